"""API definitions, stored whole; what lists and constraints need of one is computed by PostgreSQL."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact

from orgs.models import OrgOwned, id_field


class At(models.Func):
    """The text at a path of the JSON text in `definition`, empty where there is none."""

    output_field = models.TextField()

    def __init__(self, *path: str) -> None:
        where = ",".join(path)
        super().__init__(models.F("definition"), template=f"coalesce((%(expressions)s)::jsonb #>> '{{{where}}}', '')")


class RTrimSlash(models.Func):
    template = "rtrim(%(expressions)s, '/')"


def computed(expression: models.Expression, field: "models.Field[Any, Any]") -> models.GeneratedField:
    return models.GeneratedField(expression=expression, output_field=field, db_persist=True)


class Api(OrgOwned):
    """A classic definition, and the OpenAPI document that it came from where there was one.

    Two APIs with one listen path stop each other on a gateway, whoever owns them: so the path is unique across
    organisations, and so is `api_id`.
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
    authentication = models.CharField(max_length=20)
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
            models.UniqueConstraint("domain", RTrimSlash("listen_path"), name="apis_listen_path"),
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
