"""API definitions, stored whole; what lists and constraints need of one is computed by PostgreSQL."""

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from apis.tagging import Standard
from orgs.models import IdField, OfInstallation, OrgOwned, id_field


class At(models.Func):
    """The text at a path of the JSON text in `definition`, empty where there is none."""

    output_field = models.TextField()

    def __init__(self, *path: str) -> None:
        where = ",".join(path)
        super().__init__(models.F("definition"), template=f"coalesce((%(expressions)s)::jsonb #>> '{{{where}}}', '')")


class RTrimSlash(models.Func):
    template = "rtrim(%(expressions)s, '/')"


class Below(models.Func):
    """All texts that begin with a path and its slash, as a range: “0” comes right after “/”.

    Of two such ranges one holds the other, or they have nothing in common.
    """

    template = "listen_paths(rtrim(%(expressions)s, '/') || '/', rtrim(%(expressions)s, '/') || '0')"


def computed(expression: models.Expression, field: "models.Field[Any, Any]") -> models.GeneratedField:
    return models.GeneratedField(expression=expression, output_field=field, db_persist=True)


class Api(OrgOwned):
    """A classic definition, and the OpenAPI document that it came from where there was one.

    Where `is_oas`, the document (with its `x-tyk-api-gateway`) is the truth, and the classic definition is derived.
    `user_owners` and `group_owners` are the ids that clients keep there; they give nobody a right.

    Two APIs with one listen path stop each other on a gateway, whoever owns them: so the path is unique across
    organisations, and so is `api_id`. Of two paths one of which is below the other, gateways take the longer: so both
    are one organisation's. Nothing is below “/” in that way, or whoever took it first would shut out all others.
    At a domain a path is unique within the organisation, since gateways are told only of the APIs whose organisation
    has proven their domain.
    """

    id = id_field()
    definition = models.TextField()
    openapi = models.TextField(blank=True)
    name = computed(At("name"), models.TextField(db_collation="C"))
    sort_name = computed(Lower(At("name")), models.TextField(db_collation="C"))
    api_id = computed(At("api_id"), models.TextField())
    domain = computed(Lower(At("domain")), models.TextField())
    listen_path = computed(At("proxy", "listen_path"), models.TextField())
    target_url = computed(At("proxy", "target_url"), models.TextField())
    is_active = computed(
        models.Case(models.When(Exact(At("active"), models.Value("true")), then=True), default=False),
        models.BooleanField(),
    )
    is_oas = computed(
        models.Case(models.When(Exact(At("is_oas"), models.Value("true")), then=True), default=False),
        models.BooleanField(),
    )
    authentication = models.CharField(max_length=20)
    categories = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    user_owners = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    hook_references = models.JSONField(default=list, blank=True)
    group_owners = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        base_manager_name = "objects"
        verbose_name = "API"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["api_id"], name="apis_api_id"),
            # With and without a slash at its end it is the same path to a gateway.
            models.UniqueConstraint(RTrimSlash("listen_path"), name="apis_listen_path", condition=models.Q(domain="")),
            ExclusionConstraint(
                name="apis_listen_path_apart",
                expressions=[
                    (Below("listen_path"), RangeOperators.OVERLAPS),
                    ("organisation", RangeOperators.NOT_EQUAL),
                ],
                condition=models.Q(domain="") & ~models.Q(listen_path="/"),
            ),
            models.UniqueConstraint(
                "organisation",
                "domain",
                RTrimSlash("listen_path"),
                name="apis_listen_path_at_domain",
                condition=~models.Q(domain=""),
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="apis_newest"),
            models.Index(fields=["organisation", "sort_name", "id"], name="apis_by_name"),
            models.Index(fields=["organisation", "listen_path", "id"], name="apis_by_path"),
            models.Index(fields=["organisation", "is_active", "-created_at", "-id"], name="apis_by_state"),
            models.Index(
                fields=["organisation", "authentication", "-created_at", "-id"], name="apis_by_authentication"
            ),
        )

    def __str__(self) -> str:
        return str(self.name)


class ApiTerm(OrgOwned):
    """A word that an API is found by (`orgs.search`)."""

    pk = models.CompositePrimaryKey("organisation_id", "term", "api_id")
    term = models.CharField(max_length=64, db_collation="C")
    api = models.ForeignKey(Api, models.CASCADE, db_constraint=False, db_index=False)

    class Meta:
        base_manager_name = "objects"
        indexes = (models.Index(fields=["organisation", "api"], name="api_terms_api"),)

    def __str__(self) -> str:
        return self.term


class Certificate(OrgOwned):
    """A certificate that definitions and keys name, or a public key to pin. `fingerprint` is the SHA-256 of it.

    Gateways know it by organisation and fingerprint together. Of a private key that came with it there is only
    the ciphertext in `sealed`.
    """

    id = id_field()
    fingerprint = models.CharField(max_length=64)
    pem = models.TextField()
    sealed = models.TextField(blank=True)
    subject = models.CharField(max_length=1000, blank=True)
    issuer = models.CharField(max_length=1000, blank=True)
    dns_names = ArrayField(models.CharField(max_length=253), default=list, blank=True)
    not_before = models.DateTimeField(null=True)
    not_after = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        ordering = ("-created_at", "-id")
        constraints = (models.UniqueConstraint("organisation", "fingerprint", name="certificates_fingerprint"),)
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="certificates_newest"),
            models.Index(fields=["organisation", "not_after", "id"], name="certificates_by_expiry"),
        )

    def __str__(self) -> str:
        return self.subject or self.fingerprint

    @property
    def certificate_id(self) -> str:
        """The id by which definitions, keys and gateways name it."""
        return f"{self.organisation_id}{self.fingerprint}"


class Webhook(OrgOwned):
    """An address that gateways call when an event of an API happens."""

    id = id_field()
    name = models.CharField(max_length=120)
    method = models.CharField(max_length=10)
    target_url = models.CharField(max_length=2000)
    headers = models.JSONField(default=dict, blank=True)
    event_timeout_s = models.PositiveIntegerField(default=0)
    template_path = models.CharField(max_length=200, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        ordering = ("-created_at", "-id")
        constraints = (models.UniqueConstraint("organisation", Lower("name"), name="webhooks_name"),)
        indexes = (models.Index(fields=["organisation", "-created_at", "-id"], name="webhooks_newest"),)

    def __str__(self) -> str:
        return self.name


class OAuthClient(OrgOwned):
    """An application that gets tokens for one API from gateways.

    Gateways compare the secret, so it is kept encrypted in `sealed`; it is shown once.
    """

    id = id_field()
    api = models.ForeignKey(Api, models.CASCADE, related_name="oauth_clients", db_constraint=False, db_index=False)
    client_id = models.CharField(max_length=64)
    sealed = models.TextField()
    redirect_uri = models.CharField(max_length=2000, blank=True)
    description = models.CharField(max_length=200, blank=True)
    policy_id = models.CharField(max_length=24, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        verbose_name = "OAuth client"
        ordering = ("-created_at", "-id")
        constraints = (models.UniqueConstraint("organisation", "client_id", name="oauth_clients_client_id"),)
        indexes = (models.Index(fields=["organisation", "api", "-created_at", "-id"], name="oauth_clients_api"),)

    def __str__(self) -> str:
        return self.description or self.client_id


class SegmentTag(OfInstallation):
    """A tag that is registered: an organisation's own, or shared by all where `owner_id` is empty.

    One that is automatic is on every API of its owner as gateways are sent it; the definition stays without it. Tags
    that nobody registered are free.
    """

    id = id_field()
    name = models.CharField(max_length=60, db_collation="C")
    owner_id = IdField(max_length=24, blank=True)
    is_automatic = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        verbose_name = "segment tag"
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=["name"], name="segment_tags_name"),)

    def __str__(self) -> str:
        return self.name


class TaggingStandard(OfInstallation):
    """What the tags of every API must be (`apis.tagging`). There is one row, or none."""

    THE_ONE = "standard"

    id = IdField(primary_key=True, max_length=24, default=THE_ONE, editable=False)
    is_enforced = models.BooleanField(default=False)
    pattern = models.CharField(max_length=100, blank=True)
    allowed = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    least = models.PositiveSmallIntegerField(default=0)
    most = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        base_manager_name = "objects"
        verbose_name = "tagging standard"

    def __str__(self) -> str:
        return "The tagging standard"

    @property
    def rules(self) -> Standard:
        return Standard(self.pattern, tuple(self.allowed), self.least, self.most)
