"""An organisation's portal, below `/o/<slug>/portal/` or on its domain: for developers, not for its users."""

from django.urls import include, path

urlpatterns = [
    path("", include("portal.site.urls")),
]

handler400 = "dashboard.errors.bad_request"
handler403 = "dashboard.errors.permission_denied"
handler404 = "dashboard.errors.page_not_found"
handler500 = "dashboard.errors.server_error"
