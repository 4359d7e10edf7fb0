"""APIs and what belongs to them in the Django admin: only shown, since their own pages know the rules."""

from apis.certificates import services as certificates
from apis.oauth_clients import services as oauth_clients
from apis.services import KIND
from apis.webhooks import services as webhooks
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


class CertificateAdmin(OrgModelAdmin):
    kind = ObjectKind.CERTIFICATES
    audit_kind = certificates.KIND
    page = "certificates"
    list_display = ("__str__", "not_after", "created_at")
    fields = ("certificate_id", "subject", "issuer", "dns_names", "not_before", "not_after", "created_at")


class WebhookAdmin(OrgModelAdmin):
    """Without target and headers, which may hold credentials."""

    kind = ObjectKind.WEBHOOKS
    audit_kind = webhooks.KIND
    list_display = ("name", "method", "created_at")
    list_filter = ("method",)
    fields = ("name", "method", "event_timeout_s", "template_path", "created_at")


class OAuthClientAdmin(OrgModelAdmin):
    kind = ObjectKind.OAUTH_CLIENTS
    audit_kind = oauth_clients.KIND
    list_display = ("__str__", "client_id", "created_at")
    fields = ("api", "client_id", "redirect_uri", "description", "policy_id", "created_at")
