"""The files of an export: names that stay, keys sorted, and what says the same already is left as it is. Pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from unicodedata import normalize

import yaml

from dashboard.cli.documents import Document, Kind, is_same

FOLDERS = {Kind.API: "apis", Kind.POLICY: "policies"}
FILE_ID = re.compile(r"[a-z0-9_-]{1,64}")
OF_TIME = ("last_updated",)  # it would change at each export after a change that was undone


@dataclass(frozen=True)
class Export:
    """What has to be written, and the files whose object is no longer at the server."""

    texts: dict[str, str]
    unchanged: int
    stale: list[str]


def plan(saved: Sequence[Document], files: Sequence[Document]) -> Export:
    """Return the export of what is saved at the server into a folder that has these files."""
    stale = {file.file: file for file in files}
    by_id = {(file.kind, file.id): file for file in files}
    texts: dict[str, str] = {}
    for document in saved:
        old = by_id.get((document.kind, document.id))
        name = old.file if old else file_name(document)
        stale.pop(name, None)
        if not old or not is_same(exported(old), exported(document)):
            texts[name] = text_of(exported(document), name)
    return Export(texts, len(saved) - len(texts), sorted(stale))


def exported(document: Document) -> Document:
    """Return the document without what is empty around it, and without what changes by itself."""
    body = {name: value for name, value in document.body.items() if name not in OF_TIME}
    return Document(document.kind, body, {name: value for name, value in document.beside.items() if value})


def text_of(document: Document, name: str) -> str:
    wraps = {"api_definition": document.body, **document.beside} if document.beside else document.body
    if name.lower().endswith(".json"):
        return json.dumps(wraps, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return yaml.safe_dump(wraps, allow_unicode=True, sort_keys=True, default_flow_style=False)


def file_name(document: Document) -> str:
    """Return a path of harmless characters, the same at each export and different for each object."""
    name = normalize("NFKD", document.name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:60].strip("-") or "unnamed"
    id = document.id if FILE_ID.fullmatch(document.id) else sha256(document.id.encode()).hexdigest()[:32]
    return f"{FOLDERS[document.kind]}/{slug}-{id}.json"


def key_line(item: dict[str, Any]) -> str:
    """Return a key as a line: its hash and its session, which has no secrets."""
    kept = {"key_hash": item.get("key_hash"), "data": item.get("data")}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False) + "\n"
