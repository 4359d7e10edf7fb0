"""What the product is measured against: a bare Django view, and the same list through Django REST framework."""

import json
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

import django
from django.conf import settings

settings.MIDDLEWARE = []
django.setup()

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from apis.models import Api
from orgs import scope

ANSWER = b'{"api_model":{},"key_id":"' + b"x" * 100 + b'","data":{},"key_hash":"' + b"0" * 64 + b'"}'


def view(request: HttpRequest) -> HttpResponse:
    """Reads its body, as whoever creates something must."""
    json.loads(request.body or b"{}")
    return HttpResponse(ANSWER, content_type="application/json")


urlpatterns: list[Any] = [path("", view), path("hello", view)]
settings.ROOT_URLCONF = __name__
bare = WSGIHandler()

try:
    from rest_framework import serializers
    from rest_framework.generics import ListAPIView
except ImportError:
    rest = bare
else:

    class ApiSerializer(serializers.ModelSerializer):  # type: ignore[misc]  # untyped
        api_definition = serializers.SerializerMethodField()

        class Meta:
            model = Api
            fields = ("api_definition", "categories", "user_owners", "group_owners", "created_at", "updated_at")

        def get_api_definition(self, api: Api) -> Any:
            return json.loads(api.definition)

    class Apis(ListAPIView):  # type: ignore[misc]  # untyped
        serializer_class = ApiSerializer
        authentication_classes = ()
        permission_classes = ()

        def get_queryset(self) -> Any:
            return Api.objects.filter(organisation__slug="wire").defer("openapi").order_by("-created_at", "-id")

        def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            with scope.opened(scope.EVERYTHING):
                return super().get(request, *args, **kwargs)

    urlpatterns.append(path("apis", Apis.as_view()))
    rest = bare
