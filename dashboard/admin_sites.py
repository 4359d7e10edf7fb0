"""The Django admin at each organisation's `admin/` and at `/all/admin/`, behind our own sign-in.

`MODELS` says what it shows.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from apis.admin import ApiAdmin, CertificateAdmin, OAuthClientAdmin, WebhookAdmin
from apis.models import Api, Certificate, OAuthClient, Webhook
from keys.admin import KeyAdmin, PolicyAdmin
from keys.models import Key, Policy
from orgs.admin import AuditEntryAdmin, OrganisationAdmin, OrgModelAdmin
from orgs.models import AuditEntry, Organisation
from portal.admin import DeveloperAdmin, EntryAdmin, KeyRequestAdmin
from portal.models import Developer, Entry, KeyRequest
from users.admin import AccessKeyAdmin, GroupAdmin, InvitationAdmin, UserAdmin
from users.models import AccessKey, Group, Invitation, User

MODELS: dict[type[Model], type[OrgModelAdmin]] = {
    Organisation: OrganisationAdmin,
    AuditEntry: AuditEntryAdmin,
    User: UserAdmin,
    Group: GroupAdmin,
    Invitation: InvitationAdmin,
    AccessKey: AccessKeyAdmin,
    Api: ApiAdmin,
    Key: KeyAdmin,
    Policy: PolicyAdmin,
    Certificate: CertificateAdmin,
    Webhook: WebhookAdmin,
    OAuthClient: OAuthClientAdmin,
    Developer: DeveloperAdmin,
    Entry: EntryAdmin,
    KeyRequest: KeyRequestAdmin,
}
# Signing out and passwords have pages of ours; the other two look up rows that no list has shown.
SHUT = {"logout", "password_change", "password_change_done", "autocomplete", "view_on_site"}
FORMS = {"change_view", "add_view", "delete_view"}


class OrganisationAdminSite(admin.AdminSite):
    site_title = site_header = "Commonhold admin"
    index_title = "Tables"
    index_template = "admin/index.html"
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [url for url in super().get_urls() if getattr(url, "name", None) not in SHUT]

    def has_permission(self, request: Any) -> bool:
        """Everyone who is signed in to the site; each model then asks for its own permission."""
        return bool(request.user.is_active)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Only forms are posted to."""
        shown = super().admin_view(view, cacheable)
        return shown if view.__name__ in FORMS else require_safe(shown)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        wanted = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{reverse('users:sign_in')}?{urlencode({'next': wanted})}")

    def each_context(self, request: Any) -> dict[str, Any]:
        return {**super().each_context(request), "site_url": f"{request.site.prefix}/"}

    def get_log_entries(self, request: HttpRequest) -> Any:
        """The audit trail is the log; the admin's own table is closed to the web."""
        return ()


site = OrganisationAdminSite()
for model, model_admin in MODELS.items():
    site.register(model, model_admin)
