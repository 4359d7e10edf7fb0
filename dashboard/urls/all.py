"""The site of unbounded users, below `/all/`: every organisation, read-only."""

from django.urls import include, path

from dashboard import admin_sites, overview, reference

urlpatterns = [
    path("admin/", admin_sites.site.urls),
    path("", overview.index, name="home"),
    path("organisations.csv", overview.export, name="organisations_csv"),
    path("organisations/<id:id>/suspend/", overview.suspend, name="suspend"),
    path("organisations/<id:id>/resume/", overview.resume, name="resume"),
    path("search/", overview.search, name="search"),
    path("tags/", include("gateways.tags.urls")),
    path("reference/", reference.index, name="reference"),
    path("reference/<slug:slug>/", reference.operation, name="operation"),
    path("gateways/", include("gateways.groups.urls")),
    path("analytics/", include("analytics.everywhere.urls")),
    path("", include("users.all_urls")),
    path("", include("orgs.all_urls")),
]

handler400 = "dashboard.errors.bad_request"
handler403 = "dashboard.errors.permission_denied"
handler404 = "dashboard.errors.page_not_found"
handler500 = "dashboard.errors.server_error"
