"""When a domain is looked at again. No Django here."""

from datetime import timedelta

AFTER_CLAIM = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
HOURLY = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)
DAILY = timedelta(days=1)
SPREAD = timedelta(hours=4)
LAPSES_AFTER = timedelta(days=7)


def wait_for_proof(waited: timedelta) -> timedelta | None:
    """How long until it is looked at again, of one that has waited this long; None is only when somebody asks."""
    for due in AFTER_CLAIM:
        if waited < due:
            return due - waited
    return HOURLY if waited < GIVEN_UP_AFTER else None


def wait_of_proven(*, is_failing: bool, share: float) -> timedelta:
    """The same of a proven one. `share`, from 0 to 1, spreads those that were proven together over some hours."""
    return HOURLY if is_failing else DAILY + (share - 0.5) * SPREAD


def has_lapsed(failing_for: timedelta) -> bool:
    return failing_for >= LAPSES_AFTER
