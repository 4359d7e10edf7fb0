from django.urls import path

from analytics.alerts import views

app_name = "alerts"
urlpatterns = [
    path("", views.index, name="list"),
    path("create/", views.create, name="create"),
    path("history/", views.history, name="history"),
    path("deliveries/", views.deliveries, name="deliveries"),
    path("<id:id>/", views.detail, name="detail"),
    path("<id:id>/edit/", views.edit, name="edit"),
    path("<id:id>/delete/", views.delete, name="delete"),
    path("<id:id>/silence/", views.silence, name="silence"),
    path("<id:id>/test/", views.test, name="test"),
    path("<id:id>/secret/", views.secret, name="secret"),
]
