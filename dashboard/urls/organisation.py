"""An organisation's own site, below `/o/<slug>/` or on its domain; also what an unbounded user visits."""

from django.urls import include, path

import gateways.views
from dashboard import admin_sites, reference, views

urlpatterns = [
    path("", views.home, name="home"),
    path("admin/", admin_sites.site.urls),
    path("reference/", reference.index, name="reference"),
    path("reference/<slug:slug>/", reference.operation, name="operation"),
    path("", include("users.urls")),
    path("", include("orgs.urls")),
    path("apis/", include("apis.urls")),
    # A tab of the API's page, of which that knows the path alone: what it shows lies above the APIs.
    path("apis/<id:id>/gateways/", gateways.views.api, name="api_gateways"),
    path("certificates/", include("apis.certificates.urls")),
    path("webhooks/", include("apis.webhooks.urls")),
    path("alerts/", include("analytics.alerts.urls")),
    path("oauth-clients/", include("apis.oauth_clients.urls")),
    path("keys/", include("keys.urls")),
    path("policies/", include("keys.policies.urls")),
    path("gateways/", include("gateways.urls")),
]

handler400 = "dashboard.errors.bad_request"
handler403 = "dashboard.errors.permission_denied"
handler404 = "dashboard.errors.page_not_found"
handler500 = "dashboard.errors.server_error"
