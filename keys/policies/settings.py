"""What people choose for a policy: its defaults, what is refused, and how it reads in the audit trail."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from apis.tyk_fields import type_problems
from keys.errors import BadSetting
from keys.merging import Partition
from keys.paths import check_allowed_url
from keys.policies.fields import ACCESS_RIGHT, OWN_ACCESS_FIELDS, OWN_LIMIT_FIELDS, OWN_POLICY_FIELDS, POLICY
from keys.rights import ApiAccess
from keys.session import MAX_RATE, UNLIMITED, Limit, check_limit
from keys.session_fields import LIMIT
from keys.settings import (
    ALIAS_LENGTH,
    EXTRA_SIZE,
    EXTRA_VALUES,
    MOST_APIS,
    MOST_TAGS,
    TAG_LENGTH,
    _access,
    _check_json,
    _check_metadata,
    _is_text,
    period,
    quota_text,
    rate_text,
    refuse_many_paths,
)

EXPLICIT_ID = re.compile(r"[A-Za-z0-9_-]{0,100}")
PARTS = {
    Partition.ACL: "what is open",
    Partition.RATE: "rate",
    Partition.QUOTA: "quota",
    Partition.COMPLEXITY: "depth of queries",
    Partition.PER_API: "limits for each API",
}


class PolicySettings(TypedDict, total=False):
    """What is left out has its default in a new policy, and stays as it is in another.

    Limits are as in the session object: a rate or quota of 0 says nothing, one of -1 is no limit. `partitions` are
    values of Partition; none is all but the last. `extra` are fields of the policy that have no setting of their own.
    """

    name: str
    explicit_id: str
    accesses: Sequence[ApiAccess]
    is_active: bool
    rate: float
    per_s: float
    quota_max: int
    quota_window_s: int
    key_expires_in_s: int
    partitions: Sequence[str]
    tags: Sequence[str]
    metadata: Mapping[str, Any]
    extra: Mapping[str, Any]


DEFAULTS = PolicySettings(
    name="",
    explicit_id="",
    accesses=(),
    is_active=True,
    rate=0,
    per_s=0,
    quota_max=UNLIMITED,
    quota_window_s=3600,
    key_expires_in_s=0,
    partitions=(),
    tags=(),
    metadata={},
    extra={},
)
COLUMNS = tuple(name for name in DEFAULTS if name != "accesses")


def valid(chosen: PolicySettings) -> PolicySettings:
    """Return the settings in their stored form. Raises BadSetting, SessionError or BadAllowedUrl."""
    name, tags = chosen["name"].strip(), list(dict.fromkeys(tag.strip() for tag in chosen["tags"]))
    if not _is_text(name, ALIAS_LENGTH):
        raise BadSetting(f"Name: give 1 to {ALIAS_LENGTH} printable characters.")
    if not EXPLICIT_ID.fullmatch(chosen["explicit_id"]):
        raise BadSetting("ID of its own: give at most 100 letters, digits, _ and -.")
    if len(tags) > MOST_TAGS or not all(_is_text(tag, TAG_LENGTH) and "," not in tag for tag in tags):
        raise BadSetting(f"Tags: give at most {MOST_TAGS}, each of 1 to {TAG_LENGTH} characters, without commas.")
    if not -1 <= chosen["key_expires_in_s"] <= MAX_RATE:
        raise BadSetting(f"Keys live: give 1 to {MAX_RATE} seconds, or 0 for ever.")
    check_limit(plain(limit_of(chosen)))
    partitions = _checked_partitions(chosen["partitions"])
    accesses = tuple(sorted(chosen["accesses"], key=lambda access: access.api_id))
    _check_accesses(accesses)
    _check_metadata(chosen["metadata"])
    _check_extra(chosen["extra"], accesses)
    return {
        **chosen,
        "name": name,
        "tags": tags,
        "partitions": partitions,
        "metadata": dict(chosen["metadata"]),
        "extra": dict(chosen["extra"]),
        "accesses": accesses,
    }


def limit_of(chosen: PolicySettings) -> Limit:
    return Limit(chosen["rate"], chosen["per_s"], chosen["quota_max"], chosen["quota_window_s"])


def plain(limit: Limit) -> Limit:
    """Return the limit by itself, in the words of `keys.session`: what says nothing limits nothing."""
    has_rate = limit.rate not in (0, UNLIMITED)
    return Limit(
        rate=limit.rate if has_rate else 0,
        per_s=limit.per_s if has_rate else 0,
        quota_max=limit.quota_max or UNLIMITED,
        quota_window_s=0 if limit.quota_window_s == UNLIMITED else limit.quota_window_s,
    )


def limit_texts(limit: Limit) -> tuple[str, str]:
    shown = plain(limit)
    return rate_text(shown.rate, shown.per_s), quota_text(shown.quota_max, shown.quota_window_s)


def facts(chosen: PolicySettings, api_names: Mapping[str, str]) -> dict[str, Any]:
    """Return what the audit trail keeps. Of metadata and further fields nothing: their values may be credentials."""
    rate, quota = limit_texts(limit_of(chosen))
    life = chosen["key_expires_in_s"]
    return {
        "name": chosen["name"],
        "id of its own": chosen["explicit_id"],
        "active": chosen["is_active"],
        "APIs": [_access(access, api_names[access.api_id]) for access in chosen["accesses"]],
        "gives": parts_text(chosen["partitions"]),
        "rate": rate,
        "quota": quota,
        "keys live": period(life) if life > 0 else "for ever",
        "tags": list(chosen["tags"]),
    }


def first_facts(chosen: PolicySettings, api_names: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return those of a new policy that are not as by default; its name is that of the audit line."""
    usual = facts(DEFAULTS, {})
    new = facts(chosen, api_names).items()
    return {name: [None, value] for name, value in new if name != "name" and value != usual[name]}


def parts_text(partitions: Iterable[str]) -> str:
    return ", ".join(PARTS[Partition(part)] for part in partitions) or "everything"


def _checked_partitions(chosen: Sequence[str]) -> list[str]:
    if not {*chosen} <= {*Partition}:
        raise BadSetting(f"Gives: choose out of {', '.join(Partition)}.")
    if Partition.PER_API in chosen and len({*chosen}) > 1:
        raise BadSetting("Gives: limits for each API go with no other part.")
    return [part.value for part in Partition if part in chosen]


def _check_accesses(accesses: Sequence[ApiAccess]) -> None:
    refuse_many_paths(len(access.allowed_urls) for access in accesses)
    if len(accesses) > MOST_APIS:
        raise BadSetting(f"APIs: choose at most {MOST_APIS}.")
    if len({access.api_id for access in accesses}) < len(accesses):
        raise BadSetting("APIs: one of them is named twice.")
    for access in accesses:
        for path in access.allowed_urls:
            check_allowed_url(path)
        if access.limit:
            check_limit(plain(access.limit))


def _check_extra(extra: Mapping[str, Any], accesses: Sequence[ApiAccess]) -> None:
    """Take no field that would stand in for one of ours, nor one of a wrong type."""
    parts = [(extra, OWN_POLICY_FIELDS, POLICY)]
    parts += [(access.extra, OWN_ACCESS_FIELDS, ACCESS_RIGHT) for access in accesses if access.extra]
    limits = [access.limit.extra for access in accesses if access.limit and access.limit.extra]
    parts += [(limit, OWN_LIMIT_FIELDS, LIMIT) for limit in limits]
    for fields, own, types in parts:
        if taken := own & fields.keys():
            raise BadSetting(f"Further fields: {min(taken)} has a setting of its own.")
        if problem := next(type_problems(dict(fields), types), None):
            raise BadSetting(f"Further fields: {problem}")
    _check_json("Further fields", [dict(fields) for fields, _, _ in parts], EXTRA_SIZE, EXTRA_VALUES)
