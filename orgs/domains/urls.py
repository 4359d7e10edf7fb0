from django.urls import path

from orgs.domains import views

app_name = "domains"
urlpatterns = [
    path("", views.index, name="list"),
    path("add/", views.add, name="add"),
    path("<id:id>/", views.detail, name="detail"),
    path("<id:id>/edit/", views.edit, name="edit"),
    path("<id:id>/check/", views.check_now, name="check"),
]
