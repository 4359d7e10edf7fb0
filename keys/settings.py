"""What people choose for a key: its defaults, what is refused, and how it reads in the audit trail."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from django.utils import timezone

from apis import jsontext
from apis.rules import RESERVED_METADATA
from apis.tyk_fields import Struct, type_problems
from keys.errors import BadSetting
from keys.paths import check_allowed_url
from keys.rights import ApiAccess
from keys.session import UNLIMITED, Limit, NoAccess, check_limit
from keys.session_fields import (
    ACCESS_RIGHT,
    LIMIT,
    OWN_ACCESS_FIELDS,
    OWN_LIMIT_FIELDS,
    OWN_SESSION_FIELDS,
    SESSION,
)
from orgs.display import when

ALIAS_LENGTH, TAG_LENGTH = 120, 60
MOST_TAGS, MOST_APIS, MOST_POLICIES = 20, 300, 50  # a form has at most 1,000 fields
MOST_PATHS = 1_000  # over all APIs; each is an expression that is compiled, here and on every gateway
METADATA_SIZE, METADATA_DEPTH, METADATA_VALUES = 10_000, 16, 500
EXTRA_SIZE, EXTRA_VALUES = 50_000, 2_000


class KnownFields(NamedTuple):
    """Of the whole JSON, of its access rights and of their limits: what has a setting of its own, and the types."""

    whole: tuple[frozenset[str], Struct]
    access: tuple[frozenset[str], Struct]
    limit: tuple[frozenset[str], Struct]


OF_SESSION = KnownFields((OWN_SESSION_FIELDS, SESSION), (OWN_ACCESS_FIELDS, ACCESS_RIGHT), (OWN_LIMIT_FIELDS, LIMIT))


class KeySettings(TypedDict, total=False):
    """What is left out has its default in a new key, and stays as it is in another.

    `policies` are ids of rows, in the order in which they apply. `extra` are fields of the session object that have
    no setting of their own.
    """

    alias: str
    accesses: Sequence[ApiAccess]
    has_all_apis: bool
    policies: Sequence[str]
    rate: float
    per_s: float
    quota_max: int
    quota_window_s: int
    expires_at: datetime | None
    is_disabled: bool
    tags: Sequence[str]
    metadata: Mapping[str, Any]
    extra: Mapping[str, Any]


DEFAULTS = KeySettings(
    alias="",
    accesses=(),
    has_all_apis=False,
    policies=(),
    rate=0,
    per_s=0,
    quota_max=UNLIMITED,
    quota_window_s=3600,
    expires_at=None,
    is_disabled=False,
    tags=(),
    metadata={},
    extra={},
)
COLUMNS = tuple(name for name in DEFAULTS if name not in ("accesses", "policies"))


def valid(chosen: KeySettings) -> KeySettings:
    """Return the settings in their stored form. Raises BadSetting, SessionError or BadAllowedUrl."""
    alias, tags = chosen["alias"].strip(), list(dict.fromkeys(tag.strip() for tag in chosen["tags"]))
    if not is_text(alias, ALIAS_LENGTH):
        raise BadSetting(f"Alias: give 1 to {ALIAS_LENGTH} printable characters.")
    if len(tags) > MOST_TAGS or not all(is_text(tag, TAG_LENGTH) and "," not in tag for tag in tags):
        raise BadSetting(f"Tags: give at most {MOST_TAGS}, each of 1 to {TAG_LENGTH} characters, without commas.")
    check_limit(Limit(chosen["rate"], chosen["per_s"], chosen["quota_max"], chosen["quota_window_s"]))
    accesses = () if chosen["has_all_apis"] else tuple(sorted(chosen["accesses"], key=lambda access: access.api_id))
    policies = tuple(dict.fromkeys(chosen["policies"]))
    if not (accesses or policies or chosen["has_all_apis"]):
        raise NoAccess("APIs: the key would open nothing. Choose at least one, or all of them, or a policy.")
    if len(policies) > MOST_POLICIES:
        raise BadSetting(f"Policies: choose at most {MOST_POLICIES}.")
    check_accesses(accesses)
    check_metadata(chosen["metadata"])
    check_extra(chosen["extra"], accesses, OF_SESSION)
    return {
        **chosen,
        "alias": alias,
        "tags": tags,
        "metadata": dict(chosen["metadata"]),
        "extra": dict(chosen["extra"]),
        "accesses": accesses,
        "policies": policies,
    }


def refuse_past(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise BadSetting(f"Expires: {when(expires_at)} has passed. Choose a moment in the future.")


def facts(chosen: KeySettings, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what the audit trail keeps, with the names of APIs and policies by id.

    Of metadata and further fields nothing: their values may be credentials, see `hidden_changes`.
    """
    return {
        "alias": chosen["alias"],
        "APIs": "all" if chosen["has_all_apis"] else [access_text(a, names[a.api_id]) for a in chosen["accesses"]],
        "policies": [names[id] for id in chosen["policies"]],
        "rate": rate_text(chosen["rate"], chosen["per_s"]),
        "quota": quota_text(chosen["quota_max"], chosen["quota_window_s"]),
        "expires": when(chosen["expires_at"]),
        "disabled": chosen["is_disabled"],
        "tags": list(chosen["tags"]),
    }


def metadata_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    return names_changed("metadata", before, after)


def hidden_changes(before: KeySettings, after: KeySettings) -> dict[str, list[Any]]:
    """Return the names of the metadata and further fields that differ."""
    changed = metadata_changes(before["metadata"], after["metadata"])
    return changed | names_changed("further fields", before["extra"], after["extra"])


def names_changed(label: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return {label: [[n for n in names if n in before], [n for n in names if n in after]]} if names else {}


def rate_text(rate: float, per_s: float) -> str:
    return f"{rate:,.10g} / {period(per_s)}" if rate else "no limit"


def quota_text(quota_max: int, window_s: int) -> str:
    if quota_max == UNLIMITED:
        return "no quota"
    return f"{quota_max:,} / {period(window_s)}" if window_s else f"{quota_max:,} in all"


PERIODS: dict[float, str] = {
    2_592_000: "30 days",
    604_800: "week",
    86_400: "day",
    3600: "hour",
    60: "min",
    1: "s",
}


def period(seconds: float) -> str:
    """Return "hour" for 3600, "90 s" for 90."""
    return PERIODS.get(seconds) or f"{seconds:,.10g} s"


def first_facts(chosen: KeySettings, names: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return those of a new key that are not as by default; its alias is the name of the audit line."""
    usual = facts(DEFAULTS, {})
    new = facts(chosen, names).items()
    return {name: [None, value] for name, value in new if name != "alias" and value != usual[name]}


def access_text(access: ApiAccess, name: str) -> str:
    limits = [*access.versions, *(f"{'/'.join(path.methods)} {path.url}" for path in access.allowed_urls)]
    if limit := access.limit:
        limits += [rate_text(limit.rate, limit.per_s), quota_text(limit.quota_max, limit.quota_window_s)]
    limits += sorted({*access.extra, *(limit.extra if limit else ())})
    return f"{name} ({', '.join(limits)})" if limits else name


def is_text(text: str, longest: int) -> bool:
    return 1 <= len(text) <= longest and text.isprintable()


def refuse_crowd(document: Mapping[str, Any]) -> None:
    """Raise BadSetting where a session or policy names more than can be taken, before any of it is looked at."""
    rights, policies = document.get("access_rights"), document.get("apply_policies")
    if isinstance(policies, list) and len(policies) > MOST_POLICIES:
        raise BadSetting(f"apply_policies: choose at most {MOST_POLICIES}.")
    if not isinstance(rights, dict):
        return
    if len(rights) > MOST_APIS:
        raise BadSetting(f"access_rights: name at most {MOST_APIS} APIs.")
    lists = [right.get("allowed_urls") for right in rights.values() if isinstance(right, dict)]
    refuse_many_paths(len(paths) for paths in lists if isinstance(paths, list))


def refuse_many_paths(counts: Iterable[int]) -> None:
    if sum(counts) > MOST_PATHS:
        raise BadSetting(f"Paths: give at most {MOST_PATHS:,} over all APIs.")


def check_accesses(accesses: Sequence[ApiAccess], *, plain: Callable[[Limit], Limit] = lambda limit: limit) -> None:
    """`plain` makes of a limit what `check_limit` understands."""
    refuse_many_paths(len(access.allowed_urls) for access in accesses)
    if len(accesses) > MOST_APIS:
        raise BadSetting(f"APIs: choose at most {MOST_APIS}, or all of them.")
    if len({access.api_id for access in accesses}) < len(accesses):
        raise BadSetting("APIs: one of them is named twice.")
    for access in accesses:
        for path in access.allowed_urls:
            check_allowed_url(path)
        if access.limit:
            check_limit(plain(access.limit))


def check_metadata(metadata: Mapping[str, Any]) -> None:
    if reserved := RESERVED_METADATA & metadata.keys():
        raise BadSetting(f"Metadata: the name {min(reserved)!r} is reserved.")
    _check_json("Metadata", dict(metadata), METADATA_SIZE, METADATA_VALUES)


def check_extra(extra: Mapping[str, Any], accesses: Sequence[ApiAccess], known: KnownFields) -> None:
    """Take no field that would stand in for one of ours, nor one of a wrong type."""
    parts = [(extra, *known.whole)]
    parts += [(access.extra, *known.access) for access in accesses if access.extra]
    parts += [(access.limit.extra, *known.limit) for access in accesses if access.limit and access.limit.extra]
    for fields, own, types in parts:
        if taken := own & fields.keys():
            raise BadSetting(f"Further fields: {min(taken)} has a setting of its own.")
        if problem := next(type_problems(dict(fields), types), None):
            raise BadSetting(f"Further fields: {problem}")
    _check_json("Further fields", [dict(fields) for fields, _, _ in parts], EXTRA_SIZE, EXTRA_VALUES)


def _check_json(label: str, value: Any, size: int, most_values: int) -> None:
    try:
        jsontext.refuse_odd_values(value, METADATA_DEPTH)
        text = jsontext.dumps(value)
        jsontext.refuse_crowd(sum(map(text.count, "{[,")), most_values)
    except ValueError as error:  # also NaN, which is no JSON
        raise BadSetting(f"{label}: {error}") from None
    if len(text) > size:
        raise BadSetting(f"{label}: it is longer than {size:,} characters.")
