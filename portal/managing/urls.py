from django.urls import path

from portal.managing import catalogue, developers, pages, requests, settings

app_name = "portal_managing"
urlpatterns = [
    path("portal-settings/", settings.index, name="settings"),
    path("portal-settings/edit/", settings.edit, name="edit_settings"),
    path("portal-settings/look/", settings.look, name="look"),
    path("portal-settings/look/edit/", settings.edit_look, name="edit_look"),
    path("portal-settings/theme.css", settings.theme, name="theme"),
    path("portal-settings/logo", settings.logo, name="logo"),
    path("catalogue/", catalogue.index, name="catalogue"),
    path("catalogue/create/", catalogue.create, name="create_entry"),
    path("catalogue/<id:id>/", catalogue.detail, name="entry"),
    path("catalogue/<id:id>/edit/", catalogue.edit, name="edit_entry"),
    path("catalogue/<id:id>/preview/", catalogue.preview, name="preview_entry"),
    path("catalogue/<id:id>/delete/", catalogue.delete, name="delete_entry"),
    path("developers/", developers.index, name="developers"),
    path("developers/invite/", developers.invite, name="invite"),
    path("developers/invitations/<id:id>/revoke/", developers.revoke_invitation, name="revoke_invitation"),
    path("developers/<id:id>/", developers.detail, name="developer"),
    path("developers/<id:id>/edit/", developers.edit, name="edit_developer"),
    path("developers/<id:id>/disable/", developers.disable, name="disable_developer"),
    path("developers/<id:id>/enable/", developers.enable, name="enable_developer"),
    path("developers/<id:id>/delete/", developers.delete, name="delete_developer"),
    path("key-requests/", requests.index, name="requests"),
    path("key-requests/<id:id>/", requests.detail, name="request"),
    path("portal-pages/", pages.index, name="pages"),
    path("portal-pages/create/", pages.create, name="create_page"),
    path("portal-pages/<id:id>/edit/", pages.edit, name="edit_page"),
    path("portal-pages/<id:id>/preview/", pages.preview, name="preview_page"),
    path("portal-pages/<id:id>/delete/", pages.delete, name="delete_page"),
]
