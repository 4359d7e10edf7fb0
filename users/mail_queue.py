"""The queue of mail: what waits, what was sent, and what was given up."""

from django.db import models
from django.db.models.functions import Now

from orgs.models import OrgOwnedOrUnbounded, id_field


class Mail(OrgOwnedOrUnbounded):
    """A mail that waits to be sent, or was. It is written in the transaction of what it tells.

    What it says may hold a secret link: it is sealed, and emptied once it is of no more use.
    """

    QUEUED, SENT, GIVEN_UP = "queued", "sent", "given up"

    id = id_field()
    kind = models.CharField(max_length=30)
    to = models.EmailField()
    sender = models.CharField(max_length=80, blank=True)
    subject = models.CharField(max_length=300)
    sealed = models.TextField(blank=True, editable=False)
    state = models.CharField(
        max_length=10, choices=[(state, state) for state in (QUEUED, SENT, GIVEN_UP)], default=QUEUED
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=300, blank=True)
    queued_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(db_default=Now())
    taken_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "mail"
        ordering = ("-queued_at", "-id")
        indexes = (
            models.Index(fields=["organisation", "-queued_at", "-id"], name="mail_newest"),
            models.Index(fields=["organisation", "due_at"], name="mail_due", condition=models.Q(state="queued")),
            models.Index(fields=["organisation", "queued_at"], name="mail_waiting", condition=models.Q(state="queued")),
        )

    def __str__(self) -> str:
        return str(self.to)
