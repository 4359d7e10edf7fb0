from django.urls import path

from orgs import views

app_name = "orgs"
urlpatterns = [
    path("portal", views.portal, name="portal"),
    path("settings/", views.settings, name="settings"),
    path("audit/", views.audit, name="audit"),
    path("audit.csv", views.audit_csv, name="audit_csv"),
]
