"""Pieces of the Django admin that every table uses."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.functional import cached_property

from orgs.models import Organisation
from orgs.sites import Kind

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[Any]
else:
    BaseForm = forms.ModelForm
NEWEST = 10_000


class ServiceForm(BaseForm):
    """Saves through a service as its last validation: a refusal is an error beside what was typed."""

    save_with: ClassVar[Callable[[Any, Any, Mapping[str, Any]], models.Model]]
    refused: ClassVar[tuple[type[Exception], ...]]

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        stored = self._meta.model._default_manager.get(pk=self.instance.pk)
        try:
            with transaction.atomic():
                self.instance = self.save_with(stored, self.cleaned_data)
        except self.refused as refusal:
            self.add_error(None, str(refusal))


class NewestPaginator(Paginator):  # type: ignore[type-arg]
    """Leads through the newest rows only: counting on would read the whole organisation."""

    @cached_property
    def count(self) -> int:
        rows: models.QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:NEWEST].count()


class NewestFirst(ChangeList):
    """Has one order, which there is an index for; over all organisations that is the order of the ids."""

    model_admin: Any

    def get_ordering(self, request: Any, queryset: "models.QuerySet[Any]") -> list[Any]:
        return ["-id"] if request.site.kind == Kind.ALL else [*self.model_admin.newest_first]


class OrganisationFilter(admin.SimpleListFilter):
    title, parameter_name = "organisation", "organisation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Organisation.objects.values_list("slug", "name"))

    def queryset(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> "models.QuerySet[Any]":
        return queryset.filter(organisation__slug=self.value()) if self.value() else queryset
