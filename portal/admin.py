"""The portal in the Django admin: shown, and changed on its own pages."""

from orgs.admin import OrgModelAdmin
from orgs.permissions import ObjectKind
from portal.services import publishing, requests, signing_up


class DeveloperAdmin(OrgModelAdmin):
    kind = ObjectKind.PORTAL
    audit_kind = signing_up.KIND
    page = "developers"
    list_display = ("email", "name", "is_active", "last_login", "created_at")
    fields = ("email", "name", "is_active", "groups", "terms_revision", "last_login", "created_at")


class EntryAdmin(OrgModelAdmin):
    kind = ObjectKind.PORTAL
    audit_kind = publishing.KIND
    page = "catalogue"
    list_display = ("title", "api_name", "audience", "is_published", "updated_at")
    fields = (
        "title", "slug", "summary", "api_name", "categories", "audience", "groups", "is_published",
        "shows_documentation", "position", "created_at", "updated_at",
    )  # fmt: skip


class KeyRequestAdmin(OrgModelAdmin):
    kind = ObjectKind.PORTAL
    audit_kind = requests.KIND
    page = "key-requests"
    list_display = ("entry_title", "plan_name", "state", "decided_by", "created_at")
    fields = ("entry_title", "plan_name", "purpose", "state", "reason", "decided_by", "decided_at", "created_at")
