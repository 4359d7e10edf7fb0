"""What a pump does for alerts, over and over: it looks at rules when a minute is new, and sends what waits."""

from django.utils import timezone

from analytics.alerts import evaluating
from analytics.alerts.sending import Sender

_sender: list[Sender] = []


def work() -> int:
    """Return how much was done."""
    if not _sender:
        _sender.append(Sender())
    return evaluating.look_at_all(now=timezone.now()) + _sender[0].send_next()
