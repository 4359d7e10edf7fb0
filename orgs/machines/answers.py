"""The forms of an answer. Most are `{"Status":…,"Message":…,"Meta":…}`, in this order: clients compare texts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from django.http import HttpResponse

JSON = "application/json"


class Envelope(msgspec.Struct, rename="pascal"):
    """What most changes are answered with, and every refusal."""

    status: Annotated[str, msgspec.Meta(description="OK, or Error.", examples=["OK"])]
    message: Annotated[Any, msgspec.Meta(description="What was done, or what is wrong. Of a new policy: its id.")]
    meta: Annotated[Any, msgspec.Meta(description="The id of what was made, or more about it.")]


class EnvelopeWithId(Envelope, rename={"status": "Status", "message": "Message", "meta": "Meta", "id": "ID"}):
    """As the envelope, with the `api_id` of the API that was made or changed."""

    id: str


@dataclass(frozen=True)
class Answer:
    """`body` is what becomes JSON, or bytes that are JSON already."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        content = self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)
        return HttpResponse(content, status=self.status, content_type=JSON, headers=dict(self.headers))


@dataclass(frozen=True)
class Streamed:
    """A body too large for the memory. `chunks` runs after the request, in a transaction of its own."""

    chunks: Iterator[bytes]


class Refusal(Exception):
    """Nothing was changed; `message` is a sentence for whoever called."""

    def __init__(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(Envelope("Error", message, None), status, headers or {})


def ok(message: Any, meta: Any = None, *, id: str | None = None, etag: int | None = None) -> Answer:
    """Answer that something was done; `id` becomes `ID`, `etag` is a revision."""
    body = Envelope("OK", message, meta) if id is None else EnvelopeWithId("OK", message, meta, id)
    return Answer(body, headers=etag_of(etag))


def etag_of(revision: int | None) -> dict[str, str]:
    return {} if revision is None else {"ETag": f'"{revision}"'}


def not_found(message: str) -> Refusal:
    """For what never was and for what is another organisation's: one answer."""
    return Refusal(404, message)
