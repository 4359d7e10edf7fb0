"""The organisation, and what it means to be owned by one."""

import secrets
from functools import cache
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import FullResultSet
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from orgs import scope
from orgs.ids import new_id

COLOURS = (
    "blue",
    "azure",
    "indigo",
    "purple",
    "pink",
    "red",
    "orange",
    "yellow",
    "lime",
    "green",
    "teal",
    "cyan",
)
M = TypeVar("M", bound=models.Model)

READ_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")


class IdField(models.CharField):  # type: ignore[type-arg]
    """Text, by PostgreSQL's long name: to `varchar` Django adds an index for LIKE, which nobody asks of an id."""

    def db_type(self, connection: Any) -> str:
        return f"character varying({self.max_length})"


def id_field() -> "models.CharField[str, str]":
    return IdField(primary_key=True, max_length=24, default=new_id, editable=False)


@models.CharField.register_lookup
@models.TextField.register_lookup
class BeginsWith(models.Lookup):
    """`column ^@ value`. Django's `startswith` emits LIKE, which under row-level security may use no index."""

    lookup_name = "begins_with"

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} ^@ {right}", (*left_params, *right_params)


class OrganisationInScope(scope.InScope):
    """As for owned rows, and a scope that looks for one slug sees the organisation that has it."""

    def as_sql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        if ":" in scope.current().reads:
            raise FullResultSet  # the policy of the table leaves that one row
        return super().as_sql(compiler, connection, **context)


class OrganisationManager(models.Manager["Organisation"]):
    def get_queryset(self) -> "models.QuerySet[Organisation]":
        return super().get_queryset().filter(OrganisationInScope(models.F("id")))


class Organisation(models.Model):
    """The isolated unit: owns everything that names it."""

    web_may: ClassVar = ("SELECT", "INSERT", "UPDATE")

    id = id_field()
    slug = models.CharField(
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
                "Use lower-case letters, digits and hyphens, for example acme-dev.",
            )
        ],
    )
    name = models.CharField(max_length=80)
    colour = models.CharField(max_length=10, choices=[(c, c.capitalize()) for c in COLOURS], default="blue")
    contact = models.EmailField(blank=True, help_text="Whom to ask about this organisation.")
    is_suspended = models.BooleanField(default=False, editable=False)
    suspension_reason = models.CharField(max_length=200, blank=True, editable=False)
    gateway_session = models.JSONField(
        null=True, editable=False, help_text="The quota, rate and switch that gateways hold the organisation to."
    )
    record_days = models.PositiveSmallIntegerField(
        "days that requests are kept",
        null=True,
        blank=True,
        help_text="Days after which single requests are deleted; empty is as long as this installation keeps them.",
    )
    extra = models.JSONField(default=dict, editable=False, help_text="Fields that clients keep here, without effect.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OrganisationManager()

    class Meta:
        base_manager_name = "objects"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


@cache
def _in_scope(model: type[models.Model]) -> Query:
    """The condition is the same for every query of a model until it is compiled, so it is put together once."""
    return models.QuerySet(model).filter(scope.InScope(models.F("organisation_id"))).query


class OrgManager(models.Manager[M]):
    """Adds the scope to every query, also those of related objects: it is the base manager too."""

    def get_queryset(self) -> "models.QuerySet[M]":
        queryset = super().get_queryset()
        queryset.query = _in_scope(self.model).chain()
        return queryset


class OrgOwned(models.Model):
    """A row of exactly one organisation: the one of the open scope, unless its maker names it.

    A foreign key to another owned model is written with `db_constraint=False`: `orgs.walls` makes it the composite
    key (organisation_id, x_id), since PostgreSQL's own check of a simple key does not ask row-level security.
    """

    web_may: ClassVar[tuple[str, ...]] = READ_WRITE
    # What may be done there in the scope INTAKE, to the rows of every organisation.
    intake_may: ClassVar[tuple[str, ...]] = ()
    # How many days its partitions are kept, where it is partitioned by day of UTC.
    kept_days: ClassVar[int] = 0
    # How full a page of a partition gets: rows that change over and over need room beside them.
    page_fill_percent: ClassVar[int] = 100
    # Why it has no foreign key to its organisation, where it has none.
    keyless: ClassVar[str] = ""

    organisation = models.ForeignKey(
        Organisation,
        models.CASCADE,
        related_name="+",
        default=scope.current_organisation_id,
        editable=False,
        db_index=False,
    )

    objects = OrgManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class OrgOwnedOrUnbounded(models.Model):
    """A row of one organisation, or of none: an unbounded user's."""

    web_may: ClassVar[tuple[str, ...]] = READ_WRITE
    intake_may: ClassVar[tuple[str, ...]] = ()

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="+", null=True, blank=True, editable=False, db_index=False
    )

    objects = OrgManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class OfInstallation(OrgOwnedOrUnbounded):
    """A row of the installation itself, which no organisation sees: such as the gateways that serve several."""

    class Meta:
        abstract = True
        base_manager_name = "objects"


class AuditEntry(OrgOwnedOrUnbounded):
    """Who did what to which object. Written in the transaction of the change; the web's role cannot change it.

    The actor and the object are texts: an entry outlives both.
    """

    web_may: ClassVar = ("SELECT", "INSERT")

    id = id_field()
    at = models.DateTimeField(db_default=models.Func(function="clock_timestamp"))
    actor_id = models.CharField(max_length=24, blank=True)
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "audit entries"
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=["organisation", "-at", "-id"], name="audit_newest"),
            models.Index(fields=["organisation", "kind", "object_id", "-at", "-id"], name="audit_object"),
            models.Index(fields=["organisation", "actor", "-at", "-id"], name="audit_actor"),
            models.Index(fields=["organisation", "action", "-at", "-id"], name="audit_action"),
        )

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_name or self.object_id}"


def new_token() -> str:
    return secrets.token_hex(20)


class Domain(OrgOwned):
    """A host that an organisation claims. It serves there once it has proven that the host is its own.

    Several may claim a host, and one of them at a time has it proven. `token` is what the proof shows, for everybody to
    read. What has lapsed is no longer proven, and `failing_since` says since when the proof was not found.
    """

    class Purpose(models.TextChoices):
        DASHBOARD = "dashboard", "Dashboard and portal"
        PORTAL = "portal", "Portal"
        APIS = "apis", "APIs"

    class ProvenBy(models.TextChoices):
        DNS = "dns", "the record in DNS"
        FILE = "file", "the file on the host"
        OPERATOR = "operator", "whoever runs this installation"

    id = id_field()
    host = models.CharField(max_length=253, db_collation="C")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    token = models.CharField(max_length=40, default=new_token, editable=False)
    proven_at = models.DateTimeField(null=True)
    proven_by = models.CharField(max_length=10, choices=ProvenBy.choices, blank=True)
    checked_at = models.DateTimeField(null=True)
    check_due_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    fault = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        base_manager_name = "objects"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["organisation", "host"], name="domains_host"),
            models.UniqueConstraint(
                fields=["host"], name="domains_proven_host", condition=models.Q(proven_at__isnull=False)
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-created_at", "-id"], name="domains_newest"),
            models.Index(fields=["check_due_at"], name="domains_due", condition=models.Q(check_due_at__isnull=False)),
        )

    def __str__(self) -> str:
        return self.host

    @property
    def state(self) -> str:
        if self.proven_at:
            return "failing" if self.failing_since else "proven"
        return "lapsed" if self.failing_since else "waiting"
