"""What developers build, and the keys that they ask for."""

from django.db import models
from django.db.models.functions import Now

from keys.models import Key, Policy
from orgs.models import OrgOwned, id_field
from portal.models.catalogue import Plan
from portal.models.people import Developer


class Application(OrgOwned):
    """What a developer builds, and asks keys for."""

    id = id_field()
    developer = models.ForeignKey(
        Developer, models.CASCADE, related_name="applications", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint("organisation", "developer", "name", name="applications_name"),)

    def __str__(self) -> str:
        return self.name


class KeyRequest(OrgOwned):
    """A wish for a key by a plan, and once it is granted the key: an ordinary one, whose owner this names.

    What it names outlives its entry and plan. The key is made when the developer takes it, who alone sees its secret.
    `is_disabled_with_developer` says that enabling the developer again enables the key too.
    """

    PENDING, APPROVED, REFUSED, WITHDRAWN, ENDED = "pending", "approved", "refused", "withdrawn", "ended"
    STATES = (
        (PENDING, "Waiting"),
        (APPROVED, "Approved"),
        (REFUSED, "Refused"),
        (WITHDRAWN, "Withdrawn"),
        (ENDED, "Ended"),
    )

    id = id_field()
    application = models.ForeignKey(
        Application, models.CASCADE, related_name="requests", db_constraint=False, db_index=False
    )
    plan = models.ForeignKey(
        Plan, models.SET_NULL, null=True, related_name="requests", db_constraint=False, db_index=False
    )
    policy = models.ForeignKey(
        Policy, models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False
    )
    entry_title = models.CharField(max_length=120)
    plan_name = models.CharField(max_length=80)
    purpose = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=STATES, default=PENDING)
    reason = models.CharField(max_length=300, blank=True)
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True)
    key = models.ForeignKey(Key, models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False)
    is_disabled_with_developer = models.BooleanField(default=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        verbose_name = "key request"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                "organisation",
                "application",
                "plan",
                name="key_requests_one",
                condition=models.Q(state__in=("pending", "approved")),
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="key_requests_newest"),
            models.Index(fields=["organisation", "application"], name="key_requests_application"),
            models.Index(fields=["organisation", "plan"], name="key_requests_plan"),
            models.Index(fields=["organisation", "policy"], name="key_requests_policy"),
            models.Index(fields=["organisation", "key"], name="key_requests_key"),
            models.Index(
                fields=["organisation", "-created_at", "-id"],
                name="key_requests_pending",
                condition=models.Q(state="pending"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan_name} for {self.application_id}"


# Of requests: those whose key is not revoked. The second alone would be true of those that have none.
WITH_KEY = models.Q(key__isnull=False, key__revoked_at=None)
