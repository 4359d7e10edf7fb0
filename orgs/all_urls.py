"""At `/all/`: the audit trail of what unbounded users do among themselves."""

from django.urls import path

from orgs import views

app_name = "orgs"
urlpatterns = [
    path("audit/", views.audit, name="audit"),
    path("audit.csv", views.audit_csv, name="audit_csv"),
]
