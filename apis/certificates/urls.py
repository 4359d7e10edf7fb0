from django.urls import path

from apis.certificates import views

app_name = "certificates"
urlpatterns = [
    path("", views.index, name="list"),
    path("add/", views.add, name="add"),
    path("<id:id>/", views.detail, name="detail"),
    path("<id:id>/certificate.pem", views.download, name="download"),
    path("<id:id>/delete/", views.delete, name="delete"),
]
