"""A folder of definitions and policies: one in each JSON or YAML file, however deep."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apis import jsontext, yamltext
from apis.jsontext import TextError
from dashboard.cli.documents import Document, document_of
from dashboard.cli.failures import Failure

SUFFIXES = (".json", ".yaml", ".yml")
MOST_BYTES = 10_000_000
MAX_DEPTH, MAX_VALUES = 64, 400_000


def read(folder: Path) -> list[Document]:
    """Read every file of the folder; one that is neither definition nor policy is a failure, not passed over."""
    if not folder.is_dir():
        raise Failure(f"{folder} is not a folder.")
    return [read_file(folder / name, name) for name in sorted(files_of(folder))]


def files_of(folder: Path) -> Iterator[str]:
    """Yield the files' paths within the folder. Hidden ones and links to other folders are left out."""
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(place, name).relative_to(folder).as_posix()


def read_file(file: Path, name: str) -> Document:
    document = document_of(read_text(file, name), name)
    if document is None:
        raise Failure(f"{name} is neither an API definition nor a policy.")
    return document


def read_text(file: Path, name: str) -> Any:
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Failure(f"{name} is not UTF-8.") from None
    if len(data) > MOST_BYTES:
        raise Failure(f"{name} is larger than {MOST_BYTES // 1_000_000} MB.")
    loads = jsontext.loads if name.lower().endswith(".json") else yamltext.loads
    try:
        return loads(text, max_depth=MAX_DEPTH, max_values=MAX_VALUES)
    except TextError as error:
        raise Failure(f"{name}: {error}") from None


def _refuse(error: OSError) -> None:
    raise Failure(f"{error.filename} cannot be read: {error.strerror}.")
