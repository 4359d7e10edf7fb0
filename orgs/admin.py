"""The Django admin of an organisation: a second view of its rows, behind the same doors.

It shows what the user may read, and changes it through the services, so that no rule has a way round. What
takes more than fields to change (definitions, keys, permissions) it only shows, with a link to its own page.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import get_script_prefix
from django.utils.html import format_html

from orgs import services, trail
from orgs.admin_parts import NEWEST, NewestFirst, NewestPaginator, OrganisationFilter, ServiceForm
from orgs.http import OrgRequest
from orgs.ids import is_id
from orgs.models import Organisation
from orgs.permissions import Level, ObjectKind, check
from orgs.sites import Kind

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[Any]
else:
    BaseAdmin = admin.ModelAdmin
LINES_OF_HISTORY = 100


class OrgModelAdmin(BaseAdmin):
    """Every registered model has this: `kind` decides who reads it, and `writable` what a form may change.

    `/all/admin/` lists the rows of every organisation, with the organisation's name; opening one is a visit.
    """

    kind: ClassVar[ObjectKind]
    audit_kind: ClassVar[str]
    # The path of the objects' own pages, where they have any.
    page: ClassVar[str] = ""
    writable: ClassVar[tuple[str, ...]] = ()
    can_delete: ClassVar = False
    refused: ClassVar[tuple[type[Exception], ...]] = ()
    newest_first: ClassVar[tuple[str, ...]] = ("-id",)

    form = ServiceForm
    actions = None
    list_per_page = 50
    list_max_show_all = 0
    paginator = NewestPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    view_on_site = False

    def save(self, request: OrgRequest, obj: Any, data: Mapping[str, Any]) -> models.Model:
        """Call the service that changes; `obj` is as it is stored."""
        raise NotImplementedError

    def remove(self, request: OrgRequest, obj: Any) -> None:
        """Call the service that deletes."""
        raise NotImplementedError

    def owner(self, obj: Any) -> Organisation | None:
        organisation: Organisation | None = obj.organisation
        return organisation

    # Who may do what

    def may(self, request: Any, level: Level) -> bool:
        try:
            check(request, self.kind, level)
        except PermissionDenied:
            return False
        return True

    def may_write(self, request: Any, obj: Any = None) -> bool:
        return self.may(request, Level.WRITE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Level.READ)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, Level.READ)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.writable) and self.may_write(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """New rows come from the dashboard's own pages, which ask for all that the services need."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_delete and self.may_write(request, obj)

    # What the query string may ask

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the filters offer: `?digest__startswith=` would tell a digest letter by letter."""
        filters = self.get_list_filter(request) if request else ()
        names = [item if isinstance(item, str) else item.parameter_name for item in filters]
        return "\0" not in value and lookup in {f"{name}{end}" for name in names for end in ("", "__exact")}

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return super().get_object(request, object_id) if is_id(object_id) else None

    def _get_obj_does_not_exist_redirect(self, *args: Any) -> HttpResponse:
        raise Http404

    # The list

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        page: HttpResponse = super().changelist_view(request, {"newest": NEWEST, **(extra_context or {})})
        return page

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NewestFirst

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*super().get_list_display(request), *of_all(request, "organisation_name"))

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*of_all(request, OrganisationFilter), *super().get_list_filter(request))

    def get_list_select_related(self, request: HttpRequest) -> tuple[str, ...]:
        return of_all(request, "organisation")

    @admin.display(description="Organisation")
    def organisation_name(self, obj: Any) -> str:
        owner = self.owner(obj)
        return owner.name if owner else "none"

    # One object

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in self.get_fields(request, obj) if name not in self.writable]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        own_page = ("own_page",) if self.page else ()
        return (*of_all(request, "organisation_name"), *own_page, *(self.fields or ()))

    @admin.display(description="In the dashboard")
    def own_page(self, obj: Any) -> str:
        return format_html('<a href="{}{}/{}/">{}</a>', get_script_prefix(), self.page, obj.pk, obj)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)

        def save_with(_: Any, stored: Any, data: Mapping[str, Any]) -> models.Model:
            return self.save(request, stored, data)

        return type(form.__name__, (form,), {"save_with": save_with, "refused": self.refused})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        visit = self.visit(request, object_id)
        return redirect(visit) if visit else super().change_view(request, object_id, form_url, extra_context)

    def visit(self, request: Any, object_id: str) -> str | None:
        """Return where the owner's own site shows this object: going there leaves a line in its trail."""
        if request.site.kind != Kind.ALL or request.method not in ("GET", "HEAD"):
            return None
        obj = self.get_object(request, unquote(object_id))
        owner = self.owner(obj) if obj else None
        return f"{request.site.prefix}/o/{owner.slug}{request.path_info}" if owner else None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form has saved."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The service has written the audit trail, and there is no other log."""

    log_change = log_addition

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """The service writes the audit trail."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        return [str(obj) for obj in objs], {str(self.opts.verbose_name_plural): len(objs)}, set(), []

    def delete_model(self, request: Any, obj: Any) -> None:
        self.remove(request, obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            page: HttpResponse = super().delete_view(request, object_id, extra_context)
        except self.refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)
        return page

    def history_view(self, request: Any, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The audit trail of the object, for those who may read the audit trail."""
        if visit := self.visit(request, object_id):
            return redirect(visit)
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        check(request, self.kind, Level.READ)
        check(request, ObjectKind.AUDIT, Level.READ)
        owner = self.owner(obj)
        history = trail.history_of(
            self.audit_kind, obj.pk, organisation_id=owner.id if owner else None, most=LINES_OF_HISTORY
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {obj}",
            "object": obj,
            "opts": self.opts,
            "history": history,
        }
        return TemplateResponse(request, "admin/object_history.html", context)


def of_all(request: Any, *names: Any) -> tuple[Any, ...]:
    """What only the admin of all organisations has."""
    return names if request.site.kind == Kind.ALL else ()


class OrganisationAdmin(OrgModelAdmin):
    kind = ObjectKind.SYSTEM
    audit_kind = services.KIND
    list_display = ("name", "slug", "contact", "is_suspended")
    fields = (
        "slug",
        "name",
        "colour",
        "contact",
        "record_days",
        "is_suspended",
        "suspension_reason",
        "created_at",
    )
    writable = services.SETTINGS
    refused = (services.OrganisationRefused,)

    def owner(self, obj: Organisation) -> Organisation:
        return obj

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        return self.list_display

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        return of_all(request, "is_suspended")

    def get_list_select_related(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    def save(self, request: OrgRequest, obj: Organisation, data: Mapping[str, Any]) -> Organisation:
        return services.update_organisation(organisation=obj, **data)


class AuditEntryAdmin(OrgModelAdmin):
    kind = ObjectKind.AUDIT
    audit_kind = "audit"
    newest_first = ("-at", "-id")
    list_display = ("at", "actor", "action", "kind", "object_name")
    fields = ("at", "actor", "address", "action", "kind", "object_name", "object_id", "changes")
