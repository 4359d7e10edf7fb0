"""Which hosts are answered at all: the installation's own, and those that organisations have proven to be theirs.

First of all middleware, so that at any other host there is nothing, no page and no file. Whose a host is
`orgs.middleware` finds out for each request; here is only remembered for some seconds that it is somebody's.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import split_domain_port

from orgs import scope
from orgs.domains.names import is_host
from orgs.hot import drop_dead_connection
from orgs.models import Domain

KNOWN_S, UNKNOWN_S = 10.0, 30.0
MOST_KEPT = 10_000
# What proves a host by a file. A host that leads here would prove itself to everybody, so here it is never found.
PROOF_PATH = "/.well-known/commonhold-domain"
# A web server that makes certificates asks here for which hosts (docs/domains.md).
ASK_PATH = "/domains/ask"
SERVED_HERE = """
SELECT 1 FROM orgs_domain WHERE host = %s AND proven_at IS NOT NULL AND purpose <> %s
"""
NOWHERE = "There is nothing here.\n"
MALFORMED = "This is no name of a host.\n"


class HostMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        host, port = split_domain_port(request._get_raw_host())  # type: ignore[attr-defined]
        if not host:
            return plain(MALFORMED, status=400)
        is_ours = host in settings.SITE_HOSTS
        if request.path_info == PROOF_PATH or not (is_ours or is_served_here(host)):
            return plain(NOWHERE, status=404)
        if is_ours:
            return answer_to_ask(request) if request.path_info == ASK_PATH else self.get_response(request)
        # Django's own check knows ALLOWED_HOSTS alone, and stays as it is: this one request has passed ours.
        request.get_host = lambda: f"{host}:{port}" if port else host  # type: ignore[method-assign]
        return self.get_response(request)


def plain(text: str, *, status: int) -> HttpResponse:
    """Return an answer that needs nothing else of this host."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, status=status, headers=headers, content_type="text/plain; charset=utf-8")


def answer_to_ask(request: HttpRequest) -> HttpResponse:
    """Say whether there may be a certificate for a host; whose it is is told to nobody."""
    if request.method != "GET":
        return plain("This path takes GET.\n", status=405)
    host, _ = split_domain_port(request.GET.get("domain", ""))
    if host and (host in settings.SITE_HOSTS or is_served_here(host)):
        return plain("Yes.\n", status=200)
    return plain(NOWHERE, status=404)


class Remembered:
    """What has been found of hosts, in one process; the host that was asked for longest ago is forgotten first."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[bool, float]] = OrderedDict()
        self._lock = Lock()

    def get(self, host: str) -> bool | None:
        with self._lock:
            is_known, until = self._found.get(host, (False, 0.0))
            if until <= time.monotonic():
                return None
            self._found.move_to_end(host)
            return is_known

    def put(self, host: str, is_known: bool) -> None:
        with self._lock:
            self._found[host] = is_known, time.monotonic() + (KNOWN_S if is_known else UNKNOWN_S)
            self._found.move_to_end(host)
            while len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._found.clear()

    def __len__(self) -> int:
        return len(self._found)


REMEMBERED = Remembered()


def is_served_here(host: str) -> bool:
    """Whether an organisation has proven the host, for what is served here."""
    if not is_host(host):
        return False
    found = REMEMBERED.get(host)
    if found is None:
        drop_dead_connection()
        with scope.opened(scope.by_domain(host), SERVED_HERE, [host, Domain.Purpose.APIS]) as rows:
            found = bool(rows)
        REMEMBERED.put(host, found)
    return found
