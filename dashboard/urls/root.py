"""`/`: where people say who they are, and machines find their paths."""

from django.urls import include, path

urlpatterns = [
    path("", include("users.root_urls")),
]

handler400 = "dashboard.errors.bad_request"
handler403 = "dashboard.errors.permission_denied"
handler404 = "dashboard.errors.page_not_found"
handler500 = "dashboard.errors.server_error"
