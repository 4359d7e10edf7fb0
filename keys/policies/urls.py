from django.urls import path

from keys.policies import views

app_name = "policies"
urlpatterns = [
    path("", views.index, name="list"),
    path("create/", views.create, name="create"),
    path("preview/", views.preview, name="preview"),
    path("<id:id>/", views.detail, name="detail"),
    path("<id:id>/settings/", views.settings, name="settings"),
    path("<id:id>/history/", views.history, name="history"),
    path("<id:id>/edit/", views.edit, name="edit"),
    path("<id:id>/activate/", views.activate, name="activate"),
    path("<id:id>/deactivate/", views.deactivate, name="deactivate"),
    path("<id:id>/delete/", views.delete, name="delete"),
]
