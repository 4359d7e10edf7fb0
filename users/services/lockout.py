"""Failures to sign in, counted for site, e-mail address and visitor's address: nobody guesses for long."""

from datetime import timedelta

from django.utils import timezone

from users.models import Session, SignInFailure, owner_id

MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
SENTENCE = "Too many failed sign-ins for this e-mail address. Wait 15 minutes, then try again."


def counter(email: str, address: str, *, is_at_root: bool = False) -> SignInFailure:
    """Return the count of these failures, its row locked: guesses made in parallel wait for each other."""
    found, _ = SignInFailure.objects.select_for_update().get_or_create(
        organisation_id=owner_id(),
        is_at_root=is_at_root,
        email=email,
        address=address,
        defaults={"last_at": timezone.now()},
    )
    if found.last_at < timezone.now() - LOCKED_FOR:
        found.count = 0
    return found


def is_locked(found: SignInFailure) -> bool:
    return found.count >= MOST_FAILURES


def count_failure(found: SignInFailure) -> None:
    found.count += 1
    found.last_at = timezone.now()
    found.save()


def forget_stale() -> None:
    """Remove what no longer counts on this site: each sign-in cleans up after the ones before."""
    now = timezone.now()
    SignInFailure.objects.filter(organisation_id=owner_id(), last_at__lt=now - LOCKED_FOR).delete()
    Session.objects.filter(organisation_id=owner_id(), expire_date__lt=now).delete()
