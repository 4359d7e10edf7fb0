from django.urls import path

from gateways.tags import standard_views, views

app_name = "tags"
urlpatterns = [
    path("", views.index, name="list"),
    path("create/", views.create, name="create"),
    path("standard/", standard_views.standard, name="standard"),
    path("standard/change/", standard_views.change, name="change_standard"),
    path("standard.csv", standard_views.export, name="standard_csv"),
    path("<id:id>/", views.edit, name="edit"),
    path("<id:id>/delete/", views.delete, name="delete"),
]
