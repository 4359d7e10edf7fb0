"""Permissions as clients of the JSON API write them: `{"apis": "write", "IsAdmin": "admin"}`.

Some of their names have no meaning here. These are kept and given back, and permit nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orgs.machines import Refusal
from orgs.permissions import NO_PERMISSIONS, Level, ObjectKind, Permissions

KINDS = {
    "apis": ObjectKind.APIS,
    "keys": ObjectKind.KEYS,
    "policies": ObjectKind.POLICIES,
    "certs": ObjectKind.CERTIFICATES,
    "hooks": ObjectKind.WEBHOOKS,
    "oauth": ObjectKind.OAUTH_CLIENTS,
    "users": ObjectKind.USERS,
    "user_groups": ObjectKind.USER_GROUPS,
    "portal": ObjectKind.PORTAL,
    "analytics": ObjectKind.ANALYTICS,
    "system": ObjectKind.SYSTEM,
    "audit_logs": ObjectKind.AUDIT,
}
# Further names of the same kinds. `owned_analytics` is none: it is less than all analytics, so it permits nothing.
ALIASES = {"policy": ObjectKind.POLICIES, "log": ObjectKind.ANALYTICS}
LEVELS = {"read": Level.READ, "write": Level.WRITE, "deny": Level.NONE, "": Level.NONE}
MOST_NAMES, LONGEST_NAME = 100, 64
ADMINISTRATOR, RESETS = "IsAdmin", "ResetPassword"
POWERS = {ADMINISTRATOR.casefold(), RESETS.casefold()}
SWITCHES = {"admin": True, "true": True, "": False, "false": False, "deny": False}


@dataclass
class Sent:
    """`may_reset_passwords` is None where nothing was said of it; `kept` is what is given back as it came."""

    is_administrator: bool = False
    may_reset_passwords: bool | None = None
    permissions: Permissions = field(default_factory=lambda: NO_PERMISSIONS)
    kept: dict[str, str] = field(default_factory=dict)


def read(sent: Mapping[str, str]) -> Sent:
    """Nothing said is nothing allowed, also where nothing is said at all."""
    if len(sent) > MOST_NAMES or any(len(text) > LONGEST_NAME for pair in sent.items() for text in pair):
        raise Refusal(400, f"user_permissions: give at most {MOST_NAMES} names of {LONGEST_NAME} characters.")
    if strays := [name for name in sent if name.casefold() in POWERS and name not in (ADMINISTRATOR, RESETS)]:
        raise Refusal(400, f"user_permissions.{strays[0]} is written {ADMINISTRATOR} or {RESETS}.")
    levels: dict[ObjectKind, Level] = dict(NO_PERMISSIONS)
    kept: dict[str, str] = {}
    for name, value in sent.items():
        kind = KINDS.get(name) or ALIASES.get(name)
        if kind:
            levels[kind] = max(levels[kind], _level(name, value))
        if name not in (ADMINISTRATOR, RESETS) and (name not in KINDS or LEVELS[value] == Level.NONE):
            kept[name] = value
    return Sent(
        is_administrator=_switch(sent, ADMINISTRATOR),
        may_reset_passwords=_switch(sent, RESETS) if RESETS in sent else None,
        permissions=levels,
        kept=kept,
    )


def _level(name: str, value: str) -> Level:
    if value not in LEVELS:
        raise Refusal(400, f"user_permissions.{name} is read, write or deny.")
    return LEVELS[value]


def _switch(sent: Mapping[str, str], name: str) -> bool:
    value = sent.get(name, "")
    if value not in SWITCHES:
        raise Refusal(400, f"user_permissions.{name} is admin, or left out.")
    return SWITCHES[value]


def written(
    permissions: Permissions,
    kept: Mapping[str, str],
    *,
    is_administrator: bool = False,
    may_reset_passwords: bool = False,
) -> dict[str, str]:
    """What was kept of a kind that we know gives way to what is permitted now."""
    texts = {name: value for name, value in kept.items() if name not in KINDS and name not in ALIASES}
    for name, kind in (KINDS | ALIASES).items():
        if permissions[kind] > Level.NONE and (name in KINDS or name in kept):
            texts[name] = permissions[kind].name.lower()
        elif name in kept:
            texts[name] = "deny"
    texts |= {ADMINISTRATOR: "admin"} if is_administrator else {}
    texts |= {RESETS: "admin"} if may_reset_passwords else {}
    return dict(sorted(texts.items()))
