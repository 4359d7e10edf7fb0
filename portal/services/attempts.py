"""How often a mail is asked for: counted by e-mail address and by network, on this portal alone."""

from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.db.models import Count, Q
from django.utils import timezone

from portal.models import Attempt
from users.services.errors import Refused

# Of one e-mail address, and of one network: an IPv4 address's 256, an IPv6 address's 56 bits.
MOST_OF_ADDRESS, MOST_OF_NETWORK = 5, 30
AGAIN_AFTER = timedelta(minutes=2)
WITHIN = timedelta(hours=1)
TOO_MANY = "Too many mails were asked for from where you are. Wait an hour, then try again."


def note(*, email: str, visitor: str) -> bool:
    """Count one more; return whether a mail may go to this address now. Raises Refused for a flood of a network.

    What is told of a network depends on the network alone: not on whose address it was that it asked for.
    """
    now, network = timezone.now(), network_of(visitor)
    Attempt.objects.filter(at__lt=now - WITHIN).delete()
    recent = Attempt.objects.filter(at__gte=now - WITHIN).aggregate(
        of_network=Count("pk", filter=Q(whose=network)),
        of_email=Count("pk", filter=Q(whose=email)),
        just_now=Count("pk", filter=Q(whose=email, at__gte=now - AGAIN_AFTER)),
    )
    if recent["of_network"] >= MOST_OF_NETWORK:
        raise Refused(TOO_MANY)
    Attempt.objects.bulk_create(Attempt(whose=whose) for whose in (email, network))
    return bool(recent["of_email"] < MOST_OF_ADDRESS and not recent["just_now"])


def network_of(visitor: str) -> str:
    try:
        ip = ip_address(visitor)
    except ValueError:
        return f"network of {visitor}"[:254]
    bits = 24 if ip.version == 4 else 56
    return str(ip_network(f"{visitor}/{bits}", strict=False))
