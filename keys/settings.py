"""What people choose for a key: its defaults, what is refused, and how it reads in the audit trail."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.utils import timezone

from apis import jsontext
from keys.errors import BadSetting
from keys.paths import check_allowed_url
from keys.rights import ApiAccess
from keys.session import RESERVED_METADATA, UNLIMITED, Limit, NoAccess, check_limit
from orgs.display import when

ALIAS_LENGTH, TAG_LENGTH = 120, 60
MOST_TAGS, MOST_APIS = 20, 300  # a form has at most 1,000 fields
METADATA_SIZE, METADATA_DEPTH, METADATA_VALUES = 10_000, 16, 500


class KeySettings(TypedDict, total=False):
    """What is left out has its default in a new key, and stays as it is in another."""

    alias: str
    accesses: Sequence[ApiAccess]
    has_all_apis: bool
    rate: float
    per_s: float
    quota_max: int
    quota_window_s: int
    expires_at: datetime | None
    tags: Sequence[str]
    metadata: Mapping[str, Any]


DEFAULTS = KeySettings(
    alias="",
    accesses=(),
    has_all_apis=False,
    rate=0,
    per_s=0,
    quota_max=UNLIMITED,
    quota_window_s=3600,
    expires_at=None,
    tags=(),
    metadata={},
)
COLUMNS = tuple(name for name in DEFAULTS if name != "accesses")


def valid(chosen: KeySettings) -> KeySettings:
    """Return the settings in their stored form. Raises BadSetting, SessionError or BadAllowedUrl."""
    alias, tags = chosen["alias"].strip(), list(dict.fromkeys(tag.strip() for tag in chosen["tags"]))
    if not _is_text(alias, ALIAS_LENGTH):
        raise BadSetting(f"Alias: give 1 to {ALIAS_LENGTH} printable characters.")
    if len(tags) > MOST_TAGS or not all(_is_text(tag, TAG_LENGTH) and "," not in tag for tag in tags):
        raise BadSetting(f"Tags: give at most {MOST_TAGS}, each of 1 to {TAG_LENGTH} characters, without commas.")
    check_limit(Limit(chosen["rate"], chosen["per_s"], chosen["quota_max"], chosen["quota_window_s"]))
    _check_accesses([] if chosen["has_all_apis"] else chosen["accesses"], has_all_apis=chosen["has_all_apis"])
    _check_metadata(chosen["metadata"])
    accesses = () if chosen["has_all_apis"] else tuple(sorted(chosen["accesses"], key=lambda access: access.api_id))
    return {
        **chosen,
        "alias": alias,
        "tags": tags,
        "metadata": dict(chosen["metadata"]),
        "accesses": accesses,
    }


def refuse_past(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise BadSetting(f"Expires: {when(expires_at)} has passed. Choose a moment in the future.")


def facts(chosen: KeySettings, api_names: Mapping[str, str]) -> dict[str, Any]:
    """Return what the audit trail keeps. Of metadata only the names: its values may be credentials."""
    return {
        "alias": chosen["alias"],
        "APIs": "all" if chosen["has_all_apis"] else [_access(a, api_names[a.api_id]) for a in chosen["accesses"]],
        "rate": rate_text(chosen["rate"], chosen["per_s"]),
        "quota": quota_text(chosen["quota_max"], chosen["quota_window_s"]),
        "expires": when(chosen["expires_at"]),
        "tags": list(chosen["tags"]),
    }


def metadata_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return {"metadata": [[n for n in names if n in before], [n for n in names if n in after]]} if names else {}


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


def first_facts(chosen: KeySettings, api_names: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return those of a new key that are not as by default; its alias is the name of the audit line."""
    usual = facts(DEFAULTS, {})
    new = facts(chosen, api_names).items()
    return {name: [None, value] for name, value in new if name != "alias" and value != usual[name]}


def _access(access: ApiAccess, name: str) -> str:
    limits = [*access.versions, *(f"{'/'.join(path.methods)} {path.url}" for path in access.allowed_urls)]
    return f"{name} ({', '.join(limits)})" if limits else name


def _is_text(text: str, longest: int) -> bool:
    return 1 <= len(text) <= longest and text.isprintable()


def _check_accesses(accesses: Sequence[ApiAccess], *, has_all_apis: bool) -> None:
    if not accesses and not has_all_apis:
        raise NoAccess("APIs: the key would open nothing. Choose at least one, or all of them.")
    if len(accesses) > MOST_APIS:
        raise BadSetting(f"APIs: choose at most {MOST_APIS}, or all of them.")
    if len({access.api_id for access in accesses}) < len(accesses):
        raise BadSetting("APIs: one of them is named twice.")
    for access in accesses:
        for path in access.allowed_urls:
            check_allowed_url(path)


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    if reserved := RESERVED_METADATA & metadata.keys():
        raise BadSetting(f"Metadata: the name {min(reserved)!r} is reserved.")
    text = jsontext.dumps(dict(metadata))
    if len(text) > METADATA_SIZE:
        raise BadSetting(f"Metadata: it is longer than {METADATA_SIZE:,} characters.")
    try:
        jsontext.loads(text, max_depth=METADATA_DEPTH, max_values=METADATA_VALUES)
    except jsontext.TextError as error:
        raise BadSetting(f"Metadata: {error}") from None
