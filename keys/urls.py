from django.urls import path

from keys.views import acting, filling, reading

app_name = "keys"
urlpatterns = [
    path("", reading.index, name="list"),
    path("search/", reading.search, name="search"),
    path("create/", filling.create, name="create"),
    path("<id:id>/", reading.detail, name="detail"),
    path("<id:id>/settings/", reading.settings, name="settings"),
    path("<id:id>/history/", reading.history, name="history"),
    path("<id:id>/danger/", acting.danger, name="danger"),
    path("<id:id>/edit/", filling.edit, name="edit"),
    path("<id:id>/rotate/", acting.rotate, name="rotate"),
    path("<id:id>/retire/", acting.retire, name="retire"),
    path("<id:id>/disable/", acting.disable, name="disable"),
    path("<id:id>/enable/", acting.enable, name="enable"),
    path("<id:id>/revoke/", acting.revoke, name="revoke"),
]
