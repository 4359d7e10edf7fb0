"""Machines that call the JSON API: each has a credential of its own."""

import json
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client

from orgs import scope
from users.models import User
from users.services.access_keys import create_access_key


class Machine:
    """Sends JSON with its headers, as curl would: form content type, raw body."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers
        self.client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        data = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body)
        return cast(
            HttpResponse,
            self.client.generic(
                method, path, data, content_type="application/x-www-form-urlencoded", headers=self.headers | headers
            ),
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.call("DELETE", path, **headers)


def machine_of(person: User) -> Machine:
    """Return a machine with a fresh access key of this person."""
    with scope.opened(scope.of(person.organisation_id) if person.organisation_id else scope.INSTALLATION):
        _, token = create_access_key(user=person, label="machine")
    return Machine(authorization=token)


def admin() -> Machine:
    return Machine(**{"admin-auth": settings.ADMIN_SECRET})


def stranger() -> Machine:
    return Machine(authorization="0" * 32)


def content(response: HttpResponse) -> bytes:
    if isinstance(response, StreamingHttpResponse):
        return b"".join(cast("list[bytes]", list(response)))
    return response.content


def read(response: HttpResponse) -> Any:
    """Return the JSON of an answer; it is compact."""
    text = content(response).decode()
    return json.loads(text)
