"""The pages of an organisation's users and groups, and of the mail that it sends."""

from django.urls import path

from users.all_urls import urlpatterns as of_users
from users.views import groups, mails

app_name = "users"
urlpatterns = [
    *of_users,
    path("groups/", groups.index, name="groups"),
    path("groups/create/", groups.create, name="create_group"),
    path("groups/<id:id>/", groups.detail, name="group"),
    path("groups/<id:id>/edit/", groups.edit, name="edit_group"),
    path("groups/<id:id>/delete/", groups.delete, name="delete_group"),
    path("mail/", mails.index, name="mail"),
    path("mail/<id:id>/send-again/", mails.send_again, name="mail_again"),
    path("mail/<id:id>/send-now/", mails.send_now, name="mail_now"),
]
