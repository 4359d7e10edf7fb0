"""What people choose for a policy: its defaults, what is refused, and how it reads in the audit trail."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from keys.errors import BadSetting
from keys.merging import Partition
from keys.policies.fields import ACCESS_RIGHT, OWN_ACCESS_FIELDS, OWN_LIMIT_FIELDS, OWN_POLICY_FIELDS, POLICY
from keys.rights import ApiAccess
from keys.session import MAX_RATE, UNLIMITED, Limit, check_limit
from keys.session_fields import LIMIT
from keys.settings import (
    ALIAS_LENGTH,
    MOST_TAGS,
    TAG_LENGTH,
    KnownFields,
    access_text,
    check_accesses,
    check_extra,
    check_metadata,
    is_text,
    period,
    quota_text,
    rate_text,
)

OF_POLICY = KnownFields((OWN_POLICY_FIELDS, POLICY), (OWN_ACCESS_FIELDS, ACCESS_RIGHT), (OWN_LIMIT_FIELDS, LIMIT))
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
    if not is_text(name, ALIAS_LENGTH):
        raise BadSetting(f"Name: give 1 to {ALIAS_LENGTH} printable characters.")
    if not EXPLICIT_ID.fullmatch(chosen["explicit_id"]):
        raise BadSetting("ID of its own: give at most 100 letters, digits, _ and -.")
    if len(tags) > MOST_TAGS or not all(is_text(tag, TAG_LENGTH) and "," not in tag for tag in tags):
        raise BadSetting(f"Tags: give at most {MOST_TAGS}, each of 1 to {TAG_LENGTH} characters, without commas.")
    if not -1 <= chosen["key_expires_in_s"] <= MAX_RATE:
        raise BadSetting(f"Keys live: give 1 to {MAX_RATE} seconds, or 0 for ever.")
    check_limit(plain(limit_of(chosen)))
    partitions = _checked_partitions(chosen["partitions"])
    accesses = tuple(sorted(chosen["accesses"], key=lambda access: access.api_id))
    check_accesses(accesses, plain=plain)
    check_metadata(chosen["metadata"])
    check_extra(chosen["extra"], accesses, OF_POLICY)
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
        "APIs": [access_text(access, api_names[access.api_id]) for access in chosen["accesses"]],
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
