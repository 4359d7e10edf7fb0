"""What is published: APIs, with policies as plans."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from apis.models import Api
from keys.models import Policy
from orgs.models import OrgOwned, id_field


class Documentation(OrgOwned):
    """An OpenAPI document that a client has sent for a catalogue entry; others are their API's own."""

    id = id_field()
    text = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "documentation"

    def __str__(self) -> str:
        return self.id


class Entry(OrgOwned):
    """An API that is published in the catalogue, with the plans by which one gets a key for it.

    An API that goes away leaves its name, so that the entry can say why it is not shown. Without an API it is what its
    plans open. `groups` count where `audience` says so.
    """

    EVERYONE, SIGNED_IN, GROUPS = "everyone", "signed_in", "groups"
    AUDIENCES = ((EVERYONE, "Everyone"), (SIGNED_IN, "Developers who are signed in"), (GROUPS, "Named groups"))

    id = id_field()
    slug = models.CharField(max_length=80)
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    categories = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    audience = models.CharField(max_length=10, choices=AUDIENCES, default=EVERYONE)
    groups = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    is_published = models.BooleanField(default=False)
    shows_documentation = models.BooleanField(default=True)
    api = models.ForeignKey(Api, models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False)
    api_name = models.CharField(max_length=200, blank=True)
    documentation = models.ForeignKey(
        Documentation, models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False
    )
    position = models.IntegerField(default=0)
    revision = models.PositiveIntegerField(default=1)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        base_manager_name = "objects"
        verbose_name = "catalogue entry"
        verbose_name_plural = "catalogue entries"
        ordering = ("position", "title", "id")
        constraints = (models.UniqueConstraint("organisation", "slug", name="entries_slug"),)
        indexes = (models.Index(fields=["organisation", "api"], name="entries_api"),)

    def __str__(self) -> str:
        return self.title


class Plan(OrgOwned):
    """A policy as the catalogue offers it for an entry. A policy that goes away leaves its name."""

    AUTOMATIC, BY_HAND = "automatic", "by_hand"
    APPROVALS = ((AUTOMATIC, "At once"), (BY_HAND, "After an administrator has approved it"))

    id = id_field()
    entry = models.ForeignKey(Entry, models.CASCADE, related_name="plans", db_constraint=False, db_index=False)
    policy = models.ForeignKey(
        Policy, models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False
    )
    policy_name = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    approval = models.CharField(max_length=10, choices=APPROVALS, default=BY_HAND)
    position = models.IntegerField(default=0)

    class Meta:
        base_manager_name = "objects"
        ordering = ("position", "name", "id")
        indexes = (
            models.Index(fields=["organisation", "entry", "position"], name="plans_entry"),
            models.Index(fields=["organisation", "policy"], name="plans_policy"),
        )

    def __str__(self) -> str:
        return self.name
