"""Failures to sign in, counted for site, e-mail address and visitor's address: nobody guesses for long."""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from django.utils import timezone

from users.models import Session, SignInFailure, owner_id

MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
SENTENCE = "Too many failed sign-ins for this e-mail address. Wait 15 minutes, then try again."


def counter(email: str, address: str, *, place: str = SignInFailure.SITE) -> SignInFailure:
    """Return the count of these failures, its row locked: guesses made in parallel wait for each other."""
    found, _ = SignInFailure.objects.select_for_update().get_or_create(
        organisation_id=owner_id(),
        place=place,
        email=email,
        address=_whose(address),
        defaults={"last_at": timezone.now()},
    )
    if found.last_at < timezone.now() - LOCKED_FOR:
        found.count = 0
    return found


def _whose(address: str) -> str:
    """Return an IPv6 address's network of 64 bits: whoever has one address there has all of them."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    return str(ip.ipv4_mapped or IPv6Address(int(ip) >> 64 << 64))


def is_locked(found: SignInFailure) -> bool:
    return found.count >= MOST_FAILURES


def count_failure(found: SignInFailure) -> None:
    found.count += 1
    found.last_at = timezone.now()
    found.save()
    forget_stale()


def forget_stale() -> None:
    """Remove what no longer counts on this site: each sign-in, and each that fails, cleans up after the others.

    What another sign-in holds is left to it: two that waited for each other's rows would both fail.
    """
    now = timezone.now()
    stale = SignInFailure.objects.filter(organisation_id=owner_id(), last_at__lt=now - LOCKED_FOR)
    SignInFailure.objects.filter(pk__in=stale.select_for_update(skip_locked=True).values("pk")).delete()
    Session.objects.filter(organisation_id=owner_id(), expire_date__lt=now).delete()
