from django.urls import path

from apis.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.index, name="list"),
    path("create/", views.create, name="create"),
    path("<id:id>/edit/", views.edit, name="edit"),
    path("<id:id>/delete/", views.delete, name="delete"),
]
