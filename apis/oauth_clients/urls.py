"""What is done to one OAuth client; the others of its API are listed on the API's page."""

from django.urls import path

from apis.oauth_clients import views

app_name = "oauth_clients"
urlpatterns = [
    path("<id:id>/edit/", views.edit, name="edit"),
    path("<id:id>/rotate/", views.rotate, name="rotate"),
    path("<id:id>/delete/", views.delete, name="delete"),
]
