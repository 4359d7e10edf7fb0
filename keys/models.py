"""Keys and policies, and what they open.

A key, the policies that it applies and the APIs that both name are of one organisation: their foreign keys have two
columns (`orgs.walls`), since a gateway would serve one organisation's key on another's API if the key said so.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from apis.models import Api
from orgs.models import OrgOwned, id_field


class Key(OrgOwned):
    """A credential. Of its secret there are the hash for gateways, and a keyed digest that finds it.

    During the grace of a rotation the previous secret works as well, until `previous_until`.
    """

    id = id_field()
    alias = models.CharField(max_length=120)
    username = models.CharField(max_length=200, blank=True)
    sort_alias = models.GeneratedField(
        expression=Lower("alias"), output_field=models.TextField(db_collation="C"), db_persist=True
    )
    hash_algorithm = models.CharField(max_length=10)
    hash = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    masked = models.CharField(max_length=16)
    previous_hash = models.CharField(max_length=64, blank=True)
    previous_digest = models.CharField(max_length=64, blank=True)
    previous_masked = models.CharField(max_length=16, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)

    has_all_apis = models.BooleanField(default=False)
    rate = models.FloatField(default=0, help_text="Requests in each period; 0 is no limit.")
    per_s = models.FloatField(default=0)
    quota_max = models.BigIntegerField(default=-1, help_text="Requests in each window; -1 is no quota.")
    quota_window_s = models.BigIntegerField(default=3600)
    expires_at = models.DateTimeField(null=True, blank=True)
    is_disabled = models.BooleanField(default=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    extra = models.JSONField(default=dict, blank=True, help_text="Fields of the session object without a column.")
    sealed = models.TextField(blank=True, help_text="Secrets that gateways need as they are, encrypted.")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())
    apis: "models.ManyToManyField[Api, KeyAccess]" = models.ManyToManyField(
        Api, through="KeyAccess", related_name="keys"
    )
    policies: "models.ManyToManyField[Policy, KeyPolicy]" = models.ManyToManyField(
        "Policy", through="KeyPolicy", related_name="keys"
    )

    class Meta:
        base_manager_name = "objects"
        ordering = ("-created_at", "-id")
        constraints = (models.UniqueConstraint("digest", "organisation", name="keys_digest"),)
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="keys_newest"),
            models.Index(fields=["organisation", "sort_alias", "id"], name="keys_by_alias"),
            models.Index(fields=["organisation", "expires_at"], name="keys_by_expiry"),
            models.Index(
                fields=["organisation", "-created_at", "-id"],
                name="keys_disabled",
                condition=models.Q(is_disabled=True, revoked_at=None),
            ),
            models.Index(
                fields=["organisation", "-created_at", "-id"],
                name="keys_revoked",
                condition=models.Q(revoked_at__isnull=False),
            ),
            models.Index(
                fields=["organisation", "-created_at", "-id"],
                name="keys_of_all_apis",
                condition=models.Q(has_all_apis=True),
            ),
            models.Index(
                fields=["organisation", "-created_at", "-id"],
                name="keys_of_machines",
                condition=models.Q(revoked_at=None),
            ),
            models.Index(fields=["organisation", "hash"], name="keys_hash"),
            models.Index(fields=["organisation", "username"], name="keys_username", condition=~models.Q(username="")),
            models.Index(
                fields=["organisation", "previous_hash"],
                name="keys_previous_hash",
                condition=~models.Q(previous_hash=""),
            ),
            models.Index(
                fields=["previous_digest", "organisation"],
                name="keys_previous",
                condition=~models.Q(previous_digest=""),
            ),
        )

    def __str__(self) -> str:
        return self.alias


class KeyAccess(OrgOwned):
    """One API that a key names, with its versions and paths there; no versions are all of them.

    `allowed_urls` are as in the session object: [{"url": expression, "methods": [...]}]; none is every path.
    """

    pk = models.CompositePrimaryKey("organisation_id", "key_id", "api_id")
    key = models.ForeignKey(Key, models.CASCADE, related_name="accesses", db_constraint=False, db_index=False)
    api = models.ForeignKey(Api, models.CASCADE, related_name="accesses", db_constraint=False, db_index=False)
    versions = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    allowed_urls = models.JSONField(default=list, blank=True)
    limit = models.JSONField(null=True, blank=True, help_text="Its own limit for this API, as in the session object.")
    extra = models.JSONField(default=dict, blank=True, help_text="Fields of the access right without a column.")

    class Meta:
        base_manager_name = "objects"
        indexes = (models.Index(fields=["organisation", "api", "-key"], name="key_access_api"),)

    def __str__(self) -> str:
        return f"{self.key_id} opens {self.api_id}"


class Policy(OrgOwned):
    """A named bundle of access rights and limits that keys apply.

    `explicit_id` is an id that a client chose beside ours. Gateways are never told of it: they would know the
    policies of every organisation by it.
    """

    id = id_field()
    explicit_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=120)
    sort_name = models.GeneratedField(
        expression=Lower("name"), output_field=models.TextField(db_collation="C"), db_persist=True
    )
    is_active = models.BooleanField(default=True)
    rate = models.FloatField(default=0, help_text="Requests in each period; 0 is no limit.")
    per_s = models.FloatField(default=0)
    quota_max = models.BigIntegerField(default=-1, help_text="Requests in each window; -1 is no quota.")
    quota_window_s = models.BigIntegerField(default=3600)
    key_expires_in_s = models.BigIntegerField(default=0, help_text="Seconds that a new key lives; 0 is for ever.")
    partitions = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    extra = models.JSONField(default=dict, blank=True, help_text="Fields of the policy without a column.")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())
    apis: "models.ManyToManyField[Api, PolicyAccess]" = models.ManyToManyField(
        Api, through="PolicyAccess", related_name="policies"
    )

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "policies"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint("organisation", Lower("name"), name="policies_name"),
            models.UniqueConstraint(
                "organisation", "explicit_id", name="policies_explicit_id", condition=~models.Q(explicit_id="")
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="policies_newest"),
            models.Index(fields=["organisation", "sort_name", "id"], name="policies_by_name"),
        )

    def __str__(self) -> str:
        return self.name


class PolicyAccess(OrgOwned):
    """One API that a policy opens, with its versions, paths and perhaps a limit of its own there."""

    pk = models.CompositePrimaryKey("organisation_id", "policy_id", "api_id")
    policy = models.ForeignKey(Policy, models.CASCADE, related_name="accesses", db_constraint=False, db_index=False)
    api = models.ForeignKey(Api, models.CASCADE, related_name="policy_accesses", db_constraint=False, db_index=False)
    versions = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    allowed_urls = models.JSONField(default=list, blank=True)
    limit = models.JSONField(null=True, blank=True, help_text="Its own limit for this API, as in the session object.")
    extra = models.JSONField(default=dict, blank=True, help_text="Fields of the access right without a column.")

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "policy accesses"
        indexes = (models.Index(fields=["organisation", "api", "-policy"], name="policy_access_api"),)

    def __str__(self) -> str:
        return f"{self.policy_id} opens {self.api_id}"


class KeyPolicy(OrgOwned):
    """A policy that a key applies; gateways apply them in the order of `position`."""

    pk = models.CompositePrimaryKey("organisation_id", "key_id", "policy_id")
    key = models.ForeignKey(Key, models.CASCADE, related_name="applied", db_constraint=False, db_index=False)
    policy = models.ForeignKey(Policy, models.CASCADE, related_name="applied", db_constraint=False, db_index=False)
    position = models.PositiveSmallIntegerField()

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "key policies"
        indexes = (models.Index(fields=["organisation", "policy", "-key"], name="key_policy_policy"),)

    def __str__(self) -> str:
        return f"{self.key_id} applies {self.policy_id}"


class KeyTerm(OrgOwned):
    """A word or tag that a key is found by (`orgs.search`)."""

    pk = models.CompositePrimaryKey("organisation_id", "term", "key_id")
    term = models.CharField(max_length=64, db_collation="C")
    key = models.ForeignKey(Key, models.CASCADE, db_constraint=False, db_index=False)

    class Meta:
        base_manager_name = "objects"
        indexes = (models.Index(fields=["organisation", "key"], name="key_terms_key"),)

    def __str__(self) -> str:
        return self.term
