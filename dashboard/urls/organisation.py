"""An organisation's own site, below `/o/<slug>/` or on its domain; also what an unbounded user visits."""

from django.urls import include, path

from dashboard import admin_sites, views

urlpatterns = [
    path("", views.home, name="home"),
    path("admin/", admin_sites.site.urls),
    path("", include("users.urls")),
    path("", include("orgs.urls")),
    path("apis/", include("apis.urls")),
    path("keys/", include("keys.urls")),
]

handler400 = "dashboard.errors.bad_request"
handler403 = "dashboard.errors.permission_denied"
handler404 = "dashboard.errors.page_not_found"
handler500 = "dashboard.errors.server_error"
