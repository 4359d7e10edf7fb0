"""What a pump does for alerts, over and over: it looks at rules when a minute is new, and sends what waits."""

from django.utils import timezone

from analytics.alerts import evaluating
from analytics.alerts.sending import Sender


class Alerts:
    """Of one pump."""

    def __init__(self) -> None:
        self.sender = Sender()

    def work(self) -> int:
        """Return how much was done."""
        return evaluating.look_at_all(now=timezone.now()) + self.sender.send_next()
