from django.urls import path

from apis.oauth_clients import views as oauth_clients
from apis.views import changing, documents, importing, reading

app_name = "apis"
urlpatterns = [
    path("", reading.index, name="list"),
    path("create/", changing.create, name="create"),
    path("import/", importing.import_documents, name="import"),
    path("<id:id>/", reading.detail, name="detail"),
    path("<id:id>/edit/", changing.edit, name="edit"),
    path("<id:id>/definition/", reading.definition, name="definition"),
    path("<id:id>/definition/edit/", changing.edit_definition, name="edit_definition"),
    path("<id:id>/definition.json", reading.download_definition, name="download_definition"),
    path("<id:id>/openapi/", reading.openapi, name="openapi"),
    path("<id:id>/openapi/edit/", documents.edit_openapi, name="edit_openapi"),
    path("<id:id>/openapi.json", reading.download_openapi, name="download_openapi"),
    path("<id:id>/history/", reading.history, name="history"),
    path("<id:id>/oauth-clients/", oauth_clients.index, name="oauth_clients"),
    path("<id:id>/oauth-clients/create/", oauth_clients.create, name="create_oauth_client"),
    path("<id:id>/activate/", changing.activate, name="activate"),
    path("<id:id>/deactivate/", changing.deactivate, name="deactivate"),
    path("<id:id>/delete/", changing.delete, name="delete"),
]
