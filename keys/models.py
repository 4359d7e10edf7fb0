"""Keys and what they open.

A key and the APIs it names are of one organisation: their foreign keys have two columns (`orgs.walls`), since
a gateway would serve one organisation's key on another's API if the key said so.
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
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())
    apis: "models.ManyToManyField[Api, KeyAccess]" = models.ManyToManyField(
        Api, through="KeyAccess", related_name="keys"
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

    class Meta:
        base_manager_name = "objects"
        indexes = (models.Index(fields=["organisation", "api", "-key"], name="key_access_api"),)

    def __str__(self) -> str:
        return f"{self.key_id} opens {self.api_id}"


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
