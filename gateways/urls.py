from django.urls import path

from gateways import views

app_name = "gateways"
urlpatterns = [
    path("", views.index, name="list"),
    path("nodes/<uuid:id>/", views.node, name="node"),
]
