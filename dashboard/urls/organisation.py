"""An organisation's own site, below `/o/<slug>/` or on its domain; also what an unbounded user visits."""

from django.urls import include, path

import analytics.views
import apis.views.changing
import gateways.views
import keys.policies.views
import keys.views.reading
import orgs.domains.views
from analytics.pages.subjects import last_used
from apis.at_domains import names_at
from dashboard import admin_sites, reference, views
from portal.consequences import of_api, of_policy

urlpatterns = [
    path("", views.home, name="home"),
    path("admin/", admin_sites.site.urls),
    path("reference/", reference.index, name="reference"),
    path("reference/<slug:slug>/", reference.operation, name="operation"),
    path("", include("users.urls")),
    path("", include("orgs.urls")),
    # The first of its path that answers, with what lies above it: here and below for keys and policies.
    path("apis/<id:id>/delete/", apis.views.changing.delete, {"above": of_api}, name="api_delete"),
    path("apis/", include("apis.urls")),
    # Tabs of the pages of APIs and keys, which know but their paths: what these show lies above them.
    path("apis/<id:id>/gateways/", gateways.views.api, name="api_gateways"),
    path("apis/<id:id>/use/", analytics.views.api_use, name="api_use"),
    path("domains/", include("orgs.domains.urls")),
    # What stops with a domain lies above it too.
    path("domains/<id:id>/delete/", orgs.domains.views.delete, {"apis_at": names_at}, name="delete_domain"),
    path("certificates/", include("apis.certificates.urls")),
    path("webhooks/", include("apis.webhooks.urls")),
    path("alerts/", include("analytics.alerts.urls")),
    path("oauth-clients/", include("apis.oauth_clients.urls")),
    path("keys/", keys.views.reading.index, {"last_used": last_used}, name="keys_with_use"),
    path("keys/", include("keys.urls")),
    path("keys/<id:id>/use/", analytics.views.key_use, name="key_use"),
    path("policies/<id:id>/delete/", keys.policies.views.delete, {"above": of_policy}, name="policy_delete"),
    path(
        "policies/<id:id>/deactivate/", keys.policies.views.deactivate, {"above": of_policy}, name="policy_deactivate"
    ),
    path("policies/", include("keys.policies.urls")),
    path("gateways/", include("gateways.urls")),
    path("analytics/", include("analytics.urls")),
    path("", include("portal.managing.urls")),
]

handler400 = "dashboard.errors.bad_request"
handler403 = "dashboard.errors.permission_denied"
handler404 = "dashboard.errors.page_not_found"
handler500 = "dashboard.errors.server_error"
