"""APIs in the Django admin: shown. A definition is changed in its editor, which knows the rules."""

from apis.services import KIND
from orgs.admin import OrgModelAdmin
from orgs.permissions import ObjectKind


class ApiAdmin(OrgModelAdmin):
    kind = ObjectKind.APIS
    audit_kind = KIND
    page = "apis"
    list_display = ("name", "listen_path", "target_url", "is_active", "created_at")
    list_filter = ("is_active",)
    fields = (
        "name", "api_id", "domain", "listen_path", "target_url", "authentication", "is_active", "tags",
        "created_at", "updated_at",
    )  # fmt: skip
