"""An organisation's analytics, below `/analytics/`."""

from datetime import UTC, datetime

from django.urls import path, register_converter

from analytics import views
from analytics.log import finding
from analytics.log import views as log


class MomentConverter:
    """`<moment:…>`: a time of UTC to the microsecond, as `20261128T170433.123456`."""

    regex = r"\d{8}T\d{6}\.\d{6}"

    def to_python(self, value: str) -> datetime:
        return datetime.strptime(value, finding.FORMAT).replace(tzinfo=UTC)

    def to_url(self, value: datetime) -> str:
        return value.astimezone(UTC).strftime(finding.FORMAT)


register_converter(MomentConverter, "moment")

app_name = "analytics"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("apis/", views.apis, name="apis"),
    path("apis/<str:api_id>/", views.api, name="api"),
    path("keys/", views.keys, name="keys"),
    path("keys/board/", views.board, name="board"),
    path("keys/<id:id>/", views.key, name="key"),
    path("paths/", views.paths, name="paths"),
    path("errors/", views.errors, name="errors"),
    path("countries/", views.countries, name="countries"),
    path("tags/", views.tags, name="tags"),
    path("oauth-clients/", views.clients, name="clients"),
    path("requests/", log.index, name="requests"),
    path("requests/search/", log.search, name="search"),
    path("requests/<moment:at>/<int:id>/", log.request, name="request"),
]
