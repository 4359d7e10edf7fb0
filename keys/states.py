"""The states of keys, as lists and counts see them: conditions that PostgreSQL can answer from an index."""

from datetime import datetime, timedelta

from django.db.models import Q

from keys.models import Key
from keys.session import state_at

EXPIRING_WITHIN = timedelta(days=30)
LABELS = {
    "active": "Active",
    "expiring": f"Expires within {EXPIRING_WITHIN.days} days",
    "expired": "Expired",
    "disabled": "Disabled",
    "revoked": "Revoked",
}

USABLE = Q(is_disabled=False, revoked_at=None)


def in_state(state: str, *, now: datetime) -> Q:
    """Return the condition of a state out of LABELS; an expiring key is active too."""
    return {
        "active": USABLE & (Q(expires_at=None) | Q(expires_at__gt=now)),
        "expiring": USABLE & Q(expires_at__gt=now, expires_at__lte=now + EXPIRING_WITHIN),
        "expired": USABLE & Q(expires_at__lte=now),
        "disabled": Q(is_disabled=True, revoked_at=None),
        "revoked": Q(revoked_at__isnull=False),
    }[state]


def shown_state(now: datetime, *, is_disabled: bool, expires_at: datetime | None, revoked_at: datetime | None) -> str:
    """Return one of LABELS: what a badge says."""
    state = state_at(now, is_disabled=is_disabled, expires_at=expires_at, revoked_at=revoked_at)
    is_near = expires_at is not None and expires_at <= now + EXPIRING_WITHIN
    return "expiring" if state == "active" and is_near else state.value


def state_of(key: Key, *, now: datetime) -> str:
    return shown_state(now, is_disabled=key.is_disabled, expires_at=key.expires_at, revoked_at=key.revoked_at)
