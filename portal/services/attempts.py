"""How often a mail is asked for: counted by e-mail address and by network, on this portal alone."""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db.models import Count, Q
from django.utils import timezone

from portal.models import Attempt, Developer, Portal
from users.services.errors import Refused

# Of one e-mail address, and of one network: an IPv4 address's 256, an IPv6 address's 56 bits.
MOST_OF_ADDRESS, MOST_OF_NETWORK = 5, 30
MOST_OF_DEVELOPER = 30
AGAIN_AFTER = timedelta(minutes=2)
WITHIN = timedelta(hours=1)
TOO_MANY = "Too many mails were asked for from where you are. Wait an hour, then try again."
ASKED_TOO_OFTEN = f"You have asked {MOST_OF_DEVELOPER} times within an hour. Wait a while, then try again."


def note(what: str, *, email: str, visitor: str) -> bool:
    """Count one more; return whether a mail may go to this address now. Raises Refused for a flood of a network.

    What is told of a network depends on the network alone: not on whose address it was that it asked for. Of an address
    each kind counts by itself: nobody keeps a new password from somebody by signing them up over and over.
    """
    _take_turns()
    now, network, wanted = timezone.now(), network_of(visitor), f"{what}: {email}"[:254]
    Attempt.objects.filter(at__lt=now - WITHIN).delete()
    recent = Attempt.objects.filter(at__gte=now - WITHIN).aggregate(
        of_network=Count("pk", filter=Q(whose=network)),
        of_email=Count("pk", filter=Q(whose=wanted)),
        just_now=Count("pk", filter=Q(whose=wanted, at__gte=now - AGAIN_AFTER)),
    )
    if recent["of_network"] >= MOST_OF_NETWORK:
        raise Refused(TOO_MANY)
    Attempt.objects.bulk_create(Attempt(whose=whose) for whose in (wanted, network))
    return bool(recent["of_email"] < MOST_OF_ADDRESS and not recent["just_now"])


def note_request(*, developer: Developer) -> None:
    """Count a request for a key, which mails to those who decide. Raises Refused for a flood of them."""
    _take_turns()
    whose, since = f"requests of {developer.pk}", timezone.now() - WITHIN
    if Attempt.objects.filter(whose=whose, at__gte=since).count() >= MOST_OF_DEVELOPER:
        raise Refused(ASKED_TOO_OFTEN)
    Attempt.objects.create(whose=whose)


def _take_turns() -> None:
    """What is asked for at once is counted one after the other."""
    Portal.objects.select_for_update(no_key=True).only("pk").first()


def network_of(visitor: str) -> str:
    try:
        ip = ip_address(visitor)
    except ValueError:
        return f"network of {visitor}"[:254]
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or IPv6Address(int(ip))  # without a zone
    return str(ip_network((ip, 24 if ip.version == 4 else 56), strict=False))
