"""What a definition or policy says, apart from what the server writes into it; and how two of them differ. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Body = dict[str, Any]
Path = tuple[str, ...]

OAS = "x-tyk-api-gateway"
OF_THE_API = ("id", "api_id", "org_id")
OF_OAS_INFO = ("dbId", "id", "orgId")
OF_THE_POLICY = ("_id", "org_id", "last_updated", "date_created")
OF_ITS_RIGHTS = ("access_rights", "access_rights_array")  # the second repeats the first
SAID_ANYWAY = {
    **dict.fromkeys(("throttle_interval", "throttle_retry_limit", "max_query_depth"), (-1,)),
    "state": ("active", "deny"),
}
OF_ACCESS = ("api_id", "apiid", "api_name", "apiname")  # the first two repeat the key, the others follow the API
KEPT_BESIDE = ("categories", "user_owners", "user_group_owners")
SHUT = ("deny", "draft")
ABSENT = object()


class Kind(StrEnum):
    API = "API"
    POLICY = "policy"


@dataclass(frozen=True)
class Document:
    """One API or policy. `body` is the definition, OpenAPI document or policy; `beside` is what wraps a definition."""

    kind: Kind
    body: Body
    beside: Body = field(default_factory=dict)
    file: str = ""

    @property
    def is_oas(self) -> bool:
        return OAS in self.body

    @property
    def id(self) -> str:
        """The id that others name it by, empty where it has none."""
        if self.kind is Kind.POLICY:
            return str(self.body.get("_id") or "")
        return str((_info(self.body).get("id") if self.is_oas else self.body.get("api_id")) or "")

    @property
    def name(self) -> str:
        return str((_info(self.body) if self.is_oas else self.body).get("name") or "")

    def __str__(self) -> str:
        return f"{self.kind} “{self.name or self.id}”"


@dataclass(frozen=True)
class Change:
    """A field that differs; ABSENT where one side lacks it."""

    path: Path
    before: Any
    after: Any


def document_of(raw: object, file: str = "") -> Document | None:
    """Return the API or policy that this is, bare or wrapped; None for anything else."""
    if not isinstance(raw, dict):
        return None
    if isinstance(raw.get("oas"), dict) and isinstance(raw["oas"].get(OAS), dict):
        return Document(Kind.API, raw["oas"], file=file)
    if isinstance(raw.get("api_definition"), dict):
        beside = {name: raw[name] for name in KEPT_BESIDE if name in raw}
        return Document(Kind.API, raw["api_definition"], beside, file)
    if isinstance(raw.get(OAS), dict) and isinstance(raw[OAS].get("info"), dict):
        return Document(Kind.API, raw, file=file)
    if isinstance(raw.get("proxy"), dict):
        return Document(Kind.API, raw, file=file)
    return Document(Kind.POLICY, raw, file=file) if isinstance(raw.get("access_rights"), dict) else None


def content(document: Document) -> Body:
    """Return what the document says, without what the server writes into it."""
    if document.kind is Kind.POLICY:
        return _policy(document.body)
    if document.is_oas:
        gateway = document.body[OAS]
        info = _without(gateway.get("info") or {}, OF_OAS_INFO)
        return {**document.body, OAS: {**gateway, "info": info}}
    return _without(document.body, OF_THE_API)


def differences(before: Document, after: Document) -> list[Change]:
    """Return how `after` would change what `before` is; what `after` does not wrap stays."""
    changes = [*_differences(content(before), content(after), ())]
    beside = {name: before.beside.get(name) for name in after.beside}
    return [*changes, *_differences(beside, after.beside, ())]


def is_same(one: Document, other: Document) -> bool:
    """Whether both say the same, what stands around them too."""
    return not differences(one, other) and not differences(other, one)


def with_ids_of(document: Document, saved: Document) -> Document:
    """Return the document with the ids of the one that it replaces, and with what wraps that one."""
    beside = {**saved.beside, **document.beside}
    if document.kind is Kind.POLICY:
        return replace(document, body={"_id": saved.id, **_without(document.body, OF_THE_POLICY)}, beside=beside)
    if document.is_oas:
        ids = {name: value for name, value in _info(saved.body).items() if name in OF_OAS_INFO}
        body = content(document)
        body[OAS]["info"] = {**body[OAS]["info"], **ids}
        return replace(document, body=body, beside=beside)
    ids = {name: saved.body[name] for name in OF_THE_API if name in saved.body}
    return replace(document, body={**content(document), **ids}, beside=beside)


def without_organisation(document: Document) -> Document:
    """Return the document to be created: it may come from another organisation or installation."""
    if document.is_oas:
        body = {**document.body, OAS: {**document.body[OAS], "info": _without(_info(document.body), ("orgId",))}}
        return replace(document, body=body)
    return replace(document, body=_without(document.body, ("org_id",)))


def named_apis(policy: Document) -> list[str]:
    return list(policy.body.get("access_rights") or {})


def with_apis(policy: Document, ids: Mapping[str, str]) -> Document:
    """Return the policy with each API named as `ids` says; the others as they are."""
    rights: Body = {}
    for api_id, right in (policy.body.get("access_rights") or {}).items():
        new = ids.get(api_id, api_id)
        rights[new] = {**right, "api_id": new} if isinstance(right, dict) and "api_id" in right else right
    return replace(policy, body={**policy.body, "access_rights": rights})


def _policy(body: Body) -> Body:
    """Bring the three ways to say that a policy is shut to one, and drop what repeats something else."""
    shut = bool(body.get("is_inactive")) or body.get("active") is False or body.get("state") in SHUT
    kept = _without(body, (*OF_THE_POLICY, *OF_ITS_RIGHTS, "active"))
    usual = {**SAID_ANYWAY, "id": (body.get("_id"),)}
    kept = {name: value for name, value in kept.items() if value not in usual.get(name, ())}
    rights = {
        api_id: _without(right, OF_ACCESS) if isinstance(right, dict) else right
        for api_id, right in (body.get("access_rights") or {}).items()
    }
    return {**kept, "is_inactive": shut, "access_rights": rights}


def _info(body: Body) -> Body:
    info = body[OAS].get("info")
    return info if isinstance(info, dict) else {}


def _without(values: Body, names: tuple[str, ...]) -> Body:
    return {name: value for name, value in values.items() if name not in names}


def _differences(before: Any, after: Any, path: Path) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(name, ABSENT), after.get(name, ABSENT), (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, (*path, str(number)))
    elif not _is_alike(before, after):
        yield Change(path, before, after)


def _is_alike(before: Any, after: Any) -> bool:
    """Whether gateways read both alike: a field that is missing or null is what is empty."""
    if before is ABSENT or before is None:
        return _is_empty(after)
    if after is ABSENT or after is None:
        return _is_empty(before)
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    return value is ABSENT or not value
