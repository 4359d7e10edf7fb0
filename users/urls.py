"""The pages of an organisation's users and groups."""

from django.urls import path

from users.all_urls import urlpatterns as of_users
from users.views import groups

app_name = "users"
urlpatterns = [
    *of_users,
    path("groups/", groups.index, name="groups"),
    path("groups/create/", groups.create, name="create_group"),
    path("groups/<id:id>/", groups.detail, name="group"),
    path("groups/<id:id>/edit/", groups.edit, name="edit_group"),
    path("groups/<id:id>/delete/", groups.delete, name="delete_group"),
]
