"""What would make the server say what a folder says: matched by id, else by name. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dashboard.cli import documents
from dashboard.cli.documents import Change, Document, Kind


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


class Unplannable(ValueError):
    """The folder cannot be brought together with the server; the text is a sentence."""


@dataclass(frozen=True)
class Step:
    """One call. `document` is what is sent or deleted, `present` what the server has of it."""

    action: Action
    document: Document
    present: Document | None = None
    changes: Sequence[Change] = ()


@dataclass(frozen=True)
class Plan:
    """The steps in their order. `api_ids` are the server's for those of the folder that are others there."""

    steps: list[Step] = field(default_factory=list)
    unchanged: int = 0
    api_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def deletions(self) -> list[Step]:
        return [step for step in self.steps if step.action is Action.DELETE]


def plan(wanted: Sequence[Document], present: Sequence[Document], *, prune: bool = False) -> Plan:
    """Return the steps: APIs before the policies that name them, deletions last and policies first among them.

    Raises Unplannable.
    """
    refuse_repeated(wanted)
    pairs = {kind: _matched(_of(wanted, kind), _of(present, kind)) for kind in Kind}
    api_ids = {file.id: saved.id for file, saved in pairs[Kind.API] if saved and file.id and file.id != saved.id}
    _refuse_unknown_apis(pairs, [] if prune else _of(present, Kind.API))
    steps = [_step(file, saved, api_ids) for kind in Kind for file, saved in pairs[kind]]
    needed = [step for step in steps if step]
    if prune:
        for kind in reversed(Kind):
            kept = {id(saved) for _, saved in pairs[kind]}
            needed += [Step(Action.DELETE, saved, saved) for saved in _of(present, kind) if id(saved) not in kept]
    return Plan(needed, len(steps) - sum(step is not None for step in steps), api_ids)


def refuse_repeated(wanted: Iterable[Document]) -> None:
    """Two files of one object would undo each other at every run."""
    seen: dict[tuple[Kind, str], Document] = {}
    for document in wanted:
        for key in _keys(document):
            if other := seen.get(key):
                raise Unplannable(f"{other.file} and {document.file} are both the {document.kind} {key[1]}.")
            seen[key] = document
        if not _keys(document):
            raise Unplannable(f"{document.file} has neither an id nor a name.")


def _keys(document: Document) -> list[tuple[Kind, str]]:
    """By what the document is told from others: its id, or for want of one its name; a policy by both."""
    keys = [document.id] if document.id else []
    if document.name and (document.kind is Kind.POLICY or not keys):
        keys.append(f"“{document.name.casefold()}”")
    return [(document.kind, key) for key in keys]


def _of(found: Iterable[Document], kind: Kind) -> list[Document]:
    return [document for document in found if document.kind is kind]


def _matched(wanted: Sequence[Document], present: Sequence[Document]) -> list[tuple[Document, Document | None]]:
    by_id = {document.id: document for document in present}
    taken = {document.id for document in wanted if document.id in by_id}
    by_name = defaultdict(list)
    for document in present:
        if document.id not in taken:
            by_name[document.name.casefold()].append(document)
    matches: list[tuple[Document, Document | None]] = []
    for document in wanted:
        namesakes = by_name[document.name.casefold()] if document.id not in by_id else []
        if len(namesakes) > 1:
            raise Unplannable(f"{document.file}: there are {len(namesakes)} of the name “{document.name}”; give an id.")
        matches.append((document, by_id.get(document.id) or (namesakes[0] if namesakes else None)))
    _refuse_one_for_two(matches)
    return matches


def _refuse_one_for_two(matches: Iterable[tuple[Document, Document | None]]) -> None:
    files: dict[str, str] = {}
    for document, saved in matches:
        if saved and saved.id in files:
            raise Unplannable(f"{files[saved.id]} and {document.file} are both the {saved}.")
        if saved:
            files[saved.id] = document.file


def _refuse_unknown_apis(
    pairs: Mapping[Kind, Sequence[tuple[Document, Document | None]]], others: Iterable[Document]
) -> None:
    known = {document.id for pair in pairs[Kind.API] for document in pair if document}
    known |= {document.id for document in others}
    for policy, _ in pairs[Kind.POLICY]:
        for api_id in documents.named_apis(policy):
            if api_id not in known:
                raise Unplannable(f"{policy.file} names the API {api_id}, which would not be there.")


def _step(file: Document, saved: Document | None, api_ids: Mapping[str, str]) -> Step | None:
    """Return what has to be done, None where nothing has."""
    if saved is None:
        return Step(Action.CREATE, documents.without_organisation(file))
    if file.is_oas != saved.is_oas:
        kind = "an OpenAPI document" if saved.is_oas else "a classic definition"
        raise Unplannable(f"{file.file}: the {saved} is {kind} at the server, and one does not become the other.")
    wanted = documents.with_apis(file, api_ids) if file.kind is Kind.POLICY else file
    changes = documents.differences(saved, wanted)
    return Step(Action.CHANGE, documents.with_ids_of(wanted, saved), saved, changes) if changes else None
