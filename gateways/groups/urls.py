"""At `/all/`: the groups of gateways."""

from django.urls import path

from gateways.groups import views

app_name = "gateway_groups"
urlpatterns = [
    path("", views.index, name="list"),
    path("create/", views.create, name="create"),
    path("<id:id>/", views.detail, name="detail"),
    path("<id:id>/edit/", views.edit, name="edit"),
    path("<id:id>/rotate/", views.rotate, name="rotate"),
    path("<id:id>/retire/", views.retire, name="retire"),
    path("<id:id>/delete/", views.delete, name="delete"),
]
