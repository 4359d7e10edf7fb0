"""Calls to the Dashboard API: they wait where the server asks for it, and fail with a sentence."""

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from dashboard.cli.connection import Connection
from dashboard.cli.failures import Exit, Failure

TRIES = 5
FIRST_PAUSE_S, LONGEST_WAIT_S = 0.5, 60
TIMEOUT = httpx.Timeout(10, read=120)
TOO_MANY, CHANGED = 429, 412
GONE_AWAY = (502, 503, 504)
NOT_ALLOWED = (401, 403)
CHANGED_MEANWHILE = "It was changed meanwhile; look at it again."


@dataclass(frozen=True)
class Reply:
    document: Any
    etag: str | None = None


class Refused(Failure):
    """The server's answer was no; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, Exit.NOT_ALLOWED if status in NOT_ALLOWED else Exit.REFUSED)
        self.status = status


class Unanswered(Failure):
    """The request was sent, and nobody knows what became of it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.UNREACHABLE)


class Client:
    """One conversation. Redirects are not followed: the key is for this address alone."""

    def __init__(self, connection: Connection) -> None:
        self.url = connection.url
        self._http = httpx.Client(
            headers={"authorization": connection.key, "content-type": "application/json"}, timeout=TIMEOUT
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **query: str) -> Reply:
        return self._call("GET", path, query=query)

    def post(self, path: str, body: object) -> Reply:
        return self._call("POST", path, body=body)

    def put(self, path: str, body: object, *, etag: str | None = None) -> Reply:
        return self._call("PUT", path, body=body, etag=etag)

    def delete(self, path: str, *, etag: str | None = None, **query: str) -> Reply:
        return self._call("DELETE", path, query=query, etag=etag)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: object = None,
        etag: str | None = None,
    ) -> Reply:
        headers = {"if-match": etag} if etag else {}
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["content-type"] = "application/json"
        request = self._http.build_request(method, self.url + path, params=query, headers=headers, content=content)
        left = TRIES
        while not isinstance(attempt := self._attempt(request, left := left - 1), httpx.Response):
            time.sleep(attempt)
        return reply_of(attempt)

    def _attempt(self, request: httpx.Request, left: int) -> httpx.Response | float:
        """Return the response, or how long to wait before the request is sent again.

        Only what cannot have been done is sent again: reads, what was refused as too much, what found no server.
        """
        pause = FIRST_PAUSE_S * 2.0 ** (TRIES - 1 - left)
        try:
            response = self._http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return again(left, pause, Failure(f"{self.url} cannot be reached: {reason(error)}.", Exit.UNREACHABLE))
        except httpx.RequestError as error:
            failure = Unanswered(f"{self.url} has not answered: {reason(error)}.")
            return again(left if request.method == "GET" else 0, pause, failure)
        if response.status_code == TOO_MANY:
            wait = seconds(response.headers.get("retry-after", ""), pause)
            return again(left if wait <= LONGEST_WAIT_S else 0, wait, refusal_of(response))
        if response.status_code in GONE_AWAY:
            failure = Unanswered(f"{self.url} is not available now ({response.status_code}).")
            return again(left if request.method == "GET" else 0, pause, failure)
        return response


def again(left: int, wait: float, failure: Failure) -> float:
    if left:
        return wait
    raise failure


def seconds(retry_after: str, otherwise: float) -> float:
    return float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else otherwise


def reason(error: httpx.RequestError) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def reply_of(response: httpx.Response) -> Reply:
    if not response.is_success:
        raise refusal_of(response)
    try:
        return Reply(msgspec.json.decode(response.content), response.headers.get("etag"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unanswered(f"{response.url.host} answers, but not as Commonhold does: is the address right?") from None


def refusal_of(response: httpx.Response) -> Failure:
    status = response.status_code
    if response.is_redirect:
        return Failure(f"{response.url.host} sends the call elsewhere ({status}), where the key is not sent.")
    try:
        message = str(msgspec.json.decode(response.content)["Message"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        message = f"The server answers {status} to {response.request.method} {response.request.url.path}."
    if status == CHANGED:
        message = CHANGED_MEANWHILE
    if status == 401:
        message = f"The access key is not accepted: {message}"
    return Refused(status, message)
