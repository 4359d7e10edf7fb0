"""What an organisation wants to be told of, when that was so, and how it was told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from analytics.alerts.kinds import Kind, condition
from orgs.models import IdField, OrgOwned, id_field


class AlertRule(OrgOwned):
    """A condition, whom it is about, and where to tell that it has come true.

    `threshold` is in percent, milliseconds, days or minutes, by the kind. `api` and `key` are ids, empty for all; what
    has been deleted since measures nothing. The secret that signs webhooks is kept encrypted in `sealed`. `fault` says
    why it could not be looked at last.
    """

    id = id_field()
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    threshold = models.FloatField()
    window_min = models.PositiveSmallIntegerField(default=5)
    least_requests = models.PositiveIntegerField(default=20)
    percentile = models.PositiveSmallIntegerField(default=95)
    only_server = models.BooleanField(default=False)
    api = IdField(max_length=24, blank=True)
    key = IdField(max_length=24, blank=True)
    emails = ArrayField(models.EmailField(max_length=254), default=list, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    sealed = models.TextField(blank=True)
    is_enabled = models.BooleanField(default=True)
    silent_until = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        verbose_name = "alert rule"
        ordering = ("-created_at", "-id")
        constraints = (models.UniqueConstraint("organisation", Lower("name"), name="alert_rules_name"),)
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="alert_rules_newest"),
            models.Index(fields=["checked_at"], name="alert_rules_due", condition=models.Q(is_enabled=True)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def condition(self) -> str:
        return condition(
            self.kind, threshold=self.threshold, window_min=self.window_min, least_requests=self.least_requests,
            percentile=self.percentile, only_server=self.only_server,
        )  # fmt: skip


class AlertFiring(OrgOwned):
    """That a rule was true for something, from `begun_at` to `ended_at`: one row however long it lasts.

    `value` is the worst meanwhile. `calm_since` is since when the rule has been false again, while that is not long
    enough to call it over. `told_at` is empty where nobody has been told, since the rule was silenced.
    """

    id = id_field()
    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="firings", db_constraint=False, db_index=False)
    subject = models.CharField(max_length=64, blank=True)
    concerns = models.CharField(max_length=400)
    value = models.FloatField()
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=200, blank=True)
    calm_since = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        verbose_name = "alert"
        ordering = ("-begun_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "rule", "subject"],
                name="alert_firings_open",
                condition=models.Q(ended_at=None),
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-begun_at", "-id"], name="alert_firings_newest"),
            models.Index(fields=["organisation", "rule", "-begun_at", "-id"], name="alert_firings_rule"),
        )

    def __str__(self) -> str:
        return self.concerns


class AlertDelivery(OrgOwned):
    """Something to tell at one place, with the words that are sent however often it is tried.

    It is written in the transaction of what it tells. Receivers know one that comes twice by its id.
    """

    QUEUED, SENT, GIVEN_UP = "queued", "sent", "given up"
    MAIL, WEBHOOK = "mail", "webhook"
    BEGUN, OVER, TEST = "begun", "over", "test"

    id = id_field()
    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="deliveries", db_constraint=False, db_index=False)
    event = models.CharField(max_length=10, choices=[(event, event) for event in (BEGUN, OVER, TEST)])
    channel = models.CharField(max_length=10, choices=[(channel, channel) for channel in (MAIL, WEBHOOK)])
    target = models.CharField(max_length=2000)
    subject = models.CharField(max_length=300)
    body = models.TextField()
    state = models.CharField(
        max_length=10, choices=[(state, state) for state in (QUEUED, SENT, GIVEN_UP)], default=QUEUED
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    fault = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        verbose_name = "alert delivery"
        verbose_name_plural = "alert deliveries"
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="alert_deliveries_newest"),
            models.Index(fields=["organisation", "rule", "-created_at"], name="alert_deliveries_rule"),
            models.Index(fields=["due_at"], name="alert_deliveries_due", condition=models.Q(state="queued")),
        )

    def __str__(self) -> str:
        return self.subject
