"""Groups of gateways, the nodes in them, what each is given, and what is still to be delivered.

Groups and nodes are the installation's. An organisation sees them through `gateways.sight` alone, as far as they
serve it.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from orgs.models import IdField, OfInstallation, OrgOwned, id_field


class ThisTransaction(models.Func):
    """The number of the running transaction: `pg_visible_in_snapshot` tells whether a snapshot has seen its changes."""

    template = "pg_current_xact_id()::text::bigint"
    output_field = models.BigIntegerField()


class GatewayGroup(OfInstallation):
    """A set of nodes with one node secret and one Redis; it serves all organisations, or those that it names.

    Nodes are segmented where the group has tags: they load the APIs with one of these. Of the secrets there are a
    digest that finds the group and the ciphertext that signs messages; during a rotation the previous one works too.
    """

    id = id_field()
    name = models.CharField(max_length=80)
    serves_all = models.BooleanField(default=False)
    organisation_ids = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    hash_algorithm = models.CharField(max_length=10, default="sha256")
    api_url = models.CharField(max_length=2000, blank=True)
    sealed_api_secret = models.TextField(blank=True)
    sealed_redis_url = models.TextField(blank=True, help_text="Empty is the installation's own.")
    digest = models.CharField(max_length=64)
    sealed = models.TextField()
    previous_digest = models.CharField(max_length=64, blank=True)
    previous_sealed = models.TextField(blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        ordering = ("name", "id")
        verbose_name = "gateway group"
        constraints = (
            models.UniqueConstraint(Lower("name"), name="gateway_groups_name"),
            models.UniqueConstraint("digest", name="gateway_groups_digest"),
        )

    def __str__(self) -> str:
        return self.name


class Node(OfInstallation):
    """A gateway process that has registered. Its nonce is stored as a digest.

    `apis_snapshot` and `policies_snapshot` are PostgreSQL's snapshots in which its last feeds were read: what was
    written later it does not have.
    """

    id = models.CharField(primary_key=True, max_length=36)
    group = models.ForeignKey(GatewayGroup, models.CASCADE, related_name="nodes", db_constraint=False, db_index=False)
    nonce_digest = models.CharField(max_length=64)
    session_id = models.CharField(max_length=64, blank=True)
    host_name = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=45, blank=True)
    registered_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    apis_snapshot = models.TextField(blank=True)
    apis_at = models.DateTimeField(null=True)
    policies_snapshot = models.TextField(blank=True)
    policies_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ("host_name", "id")
        indexes = (
            models.Index(fields=["group", "seen_at"], name="nodes_group"),
            models.Index(fields=["group", "session_id"], name="nodes_session"),
        )

    def __str__(self) -> str:
        return self.host_name or self.id


class Lane(OfInstallation):
    """Who delivers to a group's Redis holds the lock of this row: so one Redis is told of changes in their order.

    The lane of no group builds what gateways fetch. `marker` is what lies in the Redis to tell it from an empty one.
    """

    group_id = models.CharField(primary_key=True, max_length=24)
    marker = models.CharField(max_length=24, blank=True)
    wants_reload = models.BooleanField(default=False, help_text="Somebody asked for it, without a change.")
    ended = models.BigIntegerField(
        default=0, help_text="The transaction in which it was last told of an organisation to forget."
    )
    due_at = models.DateTimeField(db_default=Now())
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    fault = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True)
    version = models.CharField(max_length=40, blank=True, help_text="Of its gateways, as the group's own API tells it.")

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.group_id or "the feeds"


class Serving(OrgOwned):
    """That a group serves the organisation, unless that is off: suspended, or inactive by its own key.

    The group is the installation's, so no foreign key leads there.
    """

    intake_may: ClassVar = ("SELECT",)

    pk = models.CompositePrimaryKey("organisation_id", "group_id")
    group_id = IdField(max_length=24)
    is_off = models.BooleanField(default=False)
    since = models.BigIntegerField(db_default=ThisTransaction())

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "servings"
        indexes = (models.Index(fields=["group_id", "organisation"], name="serving_group"),)

    def __str__(self) -> str:
        return f"{self.group_id} serves {self.organisation_id}"


class FeedItem(OrgOwned):
    """An API or policy as gateways are sent it, word for word; empty where they may not have it, for `fault`.

    `since` is the transaction that wrote it, and `history` what was before: [[revision, since], …], newest first, a
    revision of 0 being that it was not served.
    `depends` is what keys' session objects say of it: where that changes, they are delivered again. A row stays for
    a while after its object has gone, since nodes may still have that.
    """

    APIS, POLICIES = "apis", "policies"

    pk = models.CompositePrimaryKey("organisation_id", "kind", "object_id")
    kind = models.CharField(max_length=10, choices=[(APIS, "API"), (POLICIES, "policy")])
    object_id = IdField(max_length=24)
    name = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    is_served = models.BooleanField(default=False)
    fault = models.TextField(blank=True)
    tags = ArrayField(models.TextField(), default=list, blank=True)
    revision = models.PositiveIntegerField(default=0)
    depends = models.TextField(blank=True)
    rules = models.CharField(max_length=40, blank=True)
    since = models.BigIntegerField(db_default=ThisTransaction())
    history = models.JSONField(default=list, blank=True)
    built_at = models.DateTimeField(db_default=Now())

    class Meta:
        base_manager_name = "objects"
        verbose_name = "feed item"
        indexes = (
            models.Index(fields=["kind", "organisation"], name="feed_items_served", condition=models.Q(is_served=True)),
            models.Index(fields=["kind", "since"], name="feed_items_since"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.name or self.object_id}"


class Outbox(OrgOwned):
    """Something that has changed and is not delivered yet: only its name, since what counts is how it is by then.

    Of a group's Redis the name is a key there (`apikey-<hash>`, `orgkey.<id>`), `reload` or `begun`; of no group it
    is what has to be built for the feeds (`apis:<id>`, `policies:<id>`). Triggers write it in the transaction of
    the change itself (migration 0002), so that nothing which changes a row can forget it. What is new waits behind
    the rest: a key that must stop is more urgent than thousands that are imported.
    """

    id = models.BigAutoField(primary_key=True)
    group_id = models.CharField(max_length=24, blank=True)
    name = models.CharField(max_length=120)
    is_new = models.BooleanField(default=False)

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "outbox"
        indexes = (models.Index(fields=["group_id", "organisation", "is_new", "id"], name="outbox_next"),)

    def __str__(self) -> str:
        return self.name
