"""Answers machines: finds the operation, who calls, and opens the scope; nothing of the browser's stack is run.

There are no sessions and no cookies here, so nothing to forge; the organisation comes from the credential alone.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from math import ceil
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.http.request import UnreadablePostError, split_domain_port
from django.utils.crypto import constant_time_compare

import dashboard.operations  # noqa: F401 - every operation is declared by being imported
import gateways.api
from dashboard import metrics
from dashboard.errors import LOST_DATABASE
from dashboard.limits import DEEPEST, is_deeper
from dashboard.rates import Rates
from dashboard.refusals import refusal_of
from gateways import protocol
from gateways.credentials import digest
from orgs import audit, scope
from orgs.hot import drop_dead_connection
from orgs.http import address
from orgs.machines import Access, Answer, Call, Everything, Operation, Refusal, Streamed
from orgs.machines.answers import JSON
from orgs.machines.operations import ROUTES
from orgs.permissions import Level
from users.credentials import Caller, caller_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger(__name__)

MACHINE_PATHS = re.compile(r"/(api|admin|hello|bootstrap)(/|$)")
GATEWAY_PATHS = re.compile(r"/(register|system)(/|$)")
METRICS_PATH = re.compile(r"/metrics/?$")
NO_SECRET = ("", "N/A")
LEAST_SECRET = 24
UNAUTHORISED = "Not authorised"
FAILURES = Rates(per_second=0.2, burst=20)  # wrong credentials from one address
LOST_NODES = Rates(per_second=50, burst=1_000)  # nodes that have to register again, with one secret


@cache
def calls_of_credentials() -> Rates:
    return Rates(per_second=settings.API_RATE, burst=settings.API_RATE * 10)


class MachineMiddleware:
    """Takes the paths of machines at the installation's own hosts; everything else goes on to the sites."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        how = answerer_of(request.path_info)
        if how is None or not is_our_host(request):
            return self.get_response(request)
        response = answer(request, how)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def answerer_of(path: str) -> Callable[[HttpRequest], HttpResponseBase] | None:
    if METRICS_PATH.match(path):
        return metrics.answer
    if GATEWAY_PATHS.match(path):
        return answer_gateway
    return answer_client if MACHINE_PATHS.match(path) else None


def is_our_host(request: HttpRequest) -> bool:
    try:
        return split_domain_port(request.get_host())[0] in settings.SITE_HOSTS
    except SuspiciousOperation:
        return False


def answer(request: HttpRequest, how: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """Return the answer, which is JSON also when something goes wrong."""
    drop_dead_connection()
    try:
        return how(request)
    except Refusal as refusal:
        return refusal.answer.response()
    except metrics.WrongToken:
        return unauthorised(request).answer.response()
    except SuspiciousOperation as error:  # such as too many parameters in the query
        return Refusal(400, str(error)).answer.response()
    except UnreadablePostError:
        return Refusal(400, "The body has not arrived.").answer.response()
    except LOST_DATABASE:
        log.exception("The database is gone: %s", request.path)
        return Refusal(503, "The database cannot be reached.", headers={"Retry-After": "5"}).answer.response()
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return Refusal(500, "This went wrong on our side; nothing was changed.").answer.response()


def answer_client(request: HttpRequest) -> HttpResponseBase:
    operation, parameters = route(request)
    refuse_large(request)
    return perform(request, operation, parameters)


def answer_gateway(request: HttpRequest) -> HttpResponseBase:
    """A gateway that is refused registers again, so it is told 403; one that asks for it too often is told to wait."""
    by_method = gateways.api.ROUTES.get(request.path_info.rstrip("/"))
    if by_method is None:
        raise Refusal(404, "There is nothing at this path.")
    if request.method not in by_method:
        allow = ", ".join(sorted(by_method))
        raise Refusal(405, f"This path takes {allow}.", headers={"Allow": allow})
    sent = protocol.sent(request.headers)
    try:
        return by_method[request.method](request, sent)
    except protocol.Refused as refused:
        if str(refused) == protocol.AUTHORISATION_FAILED:
            wait = FAILURES.wait_of(address(request))
        else:  # its group's secret is right: other groups may be at the same address
            wait = LOST_NODES.wait_of(digest(sent.secret))
        if wait:
            raise too_often(wait) from refused
        log.warning("A gateway at %s was refused at %s: %s", address(request), request.path, refused)
        raise Refusal(403, str(refused)) from refused


def route(request: HttpRequest) -> tuple[Operation, list[str]]:
    found = ROUTES.find(request.path_info)
    if found is None:
        raise Refusal(404, "There is nothing at this path.")
    by_method, parameters = found
    method = "GET" if request.method == "HEAD" else str(request.method)
    if method not in by_method:
        allow = ", ".join(sorted({*by_method, *(["HEAD"] if "GET" in by_method else [])}))
        raise Refusal(405, f"This path takes {allow}.", headers={"Allow": allow})
    return by_method[method], parameters


def refuse_large(request: HttpRequest) -> None:
    """By its announced length, before it is read; without a length nothing is read, so that it must be there."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if "Transfer-Encoding" in request.headers:
        raise Refusal(400, "Send the body's Content-Length: a body in chunks is not read.")
    if not length.isdecimal() or int(length) > settings.API_BODY_MB * 1_000_000:
        raise Refusal(413, f"The body is larger than {settings.API_BODY_MB} MB.")


def perform(request: HttpRequest, operation: Operation, parameters: list[str]) -> HttpResponseBase:
    match operation.access:
        case Access.PUBLIC:
            with transaction.atomic():
                actor = audit.Actor(id="", name="visitor", address=address(request) or None)
                return run(call_of(request, operation, scope.INSTALLATION, actor), operation, parameters)
        case Access.ADMIN_SECRET:
            return perform_as_admin(request, operation, parameters)
    with caller(request) as who:
        permit(request, operation, who)
        actor = audit.Actor(id=who.user.pk, name=who.user.email, address=address(request) or None)
        call = call_of(request, operation, who.scope, actor)
        call.user_or_none, call.organisation_or_none = who.user, who.organisation
        return run(call, operation, parameters)


@contextmanager
def caller(request: HttpRequest) -> Iterator[Caller]:
    """Run the block as the access key's user; 401 for what is none, after a while 429."""
    token = request.headers.get("Authorization", "").strip()
    token = token[7:].strip() if token[:7].lower() == "bearer " else token
    with caller_of(token) as who:
        if who is None:
            raise unauthorised(request)
        wait = calls_of_credentials().wait_of(who.user.pk)
        if wait:
            raise too_often(wait)
        yield who


def unauthorised(request: HttpRequest) -> Refusal:
    """Counts what is wrong, not what is right: nobody locks out those who share an address with them."""
    wait = FAILURES.wait_of(address(request))
    return too_often(wait) if wait else Refusal(401, UNAUTHORISED)


def too_often(wait: float) -> Refusal:
    seconds = ceil(wait)
    return Refusal(429, f"Too many calls: wait {seconds} s.", headers={"Retry-After": str(seconds)})


def permit(request: HttpRequest, operation: Operation, who: Caller) -> None:
    denied = Refusal(403, f"access denied: You do not have permission to access  {request.path}")
    if who.user.is_unbounded and operation.changes:
        if not operation.by_unbounded:
            raise denied
    elif operation.kind and who.user.level(operation.kind) < operation.level:
        raise denied
    suspended = who.organisation and who.organisation.is_suspended
    if suspended and operation.changes and operation.level != Level.READ:
        raise Refusal(403, "The organisation is suspended: nothing can be changed.")


def perform_as_admin(request: HttpRequest, operation: Operation, parameters: list[str]) -> HttpResponseBase:
    """Answer who holds the admin secret. The call itself leaves a line, whatever came of it."""
    given = request.headers.get("Admin-Auth", "").strip()
    if len(settings.ADMIN_SECRET) < LEAST_SECRET:
        raise Refusal(403, "The Admin API is off: set ADMIN_SECRET, of at least 24 characters.")
    if given in NO_SECRET or not constant_time_compare(given, settings.ADMIN_SECRET):
        raise unauthorised(request)
    if wait := calls_of_credentials().wait_of("admin secret"):
        raise too_often(wait)
    actor = audit.Actor(id="", name="admin secret", address=address(request) or None)
    status = 500
    try:
        with scope.opened(scope.EVERYTHING, savepoint=True):
            response = run(call_of(request, operation, scope.EVERYTHING, actor), operation, parameters)
            status = response.status_code
            return response
    except Refusal as refusal:
        status = refusal.answer.status
        raise
    finally:
        record_admin_call(request, actor, status)


def record_admin_call(request: HttpRequest, actor: audit.Actor, status: int) -> None:
    with scope.opened(scope.INSTALLATION), audit.acting(actor):
        path = request.path.replace("\0", "")
        audit.record("called", kind="admin_api", name=f"{request.method} {path}", changes={"status": [None, status]})


def call_of(request: HttpRequest, operation: Operation, opened: scope.Scope, actor: audit.Actor) -> Call[Any, Any]:
    return Call(request=request, query=None, body=None, document=None, scope=opened, actor=actor)


def run(call: Call[Any, Any], operation: Operation, parameters: list[str]) -> HttpResponseBase:
    """Read the request by the declaration, and call the handler. A refusal undoes what it had done."""
    try:
        call.query = query_of(call.request, operation)
        if operation.body is not None:
            call.document, call.body = body_of(call.request, operation)
        with audit.acting(call.actor):
            return respond(operation.handler(call, *parameters))
    except Refusal:
        raise
    except Exception as error:
        if refusal := refusal_of(error):
            raise refusal from error
        raise


def query_of(request: HttpRequest, operation: Operation) -> Any:
    # Not `request.GET`, which reads it in whatever charset the content type names.
    sent = QueryDict(request.META.get("QUERY_STRING", "").encode("latin-1"), encoding="utf-8").dict()
    if any("\0" in value for value in sent.values()):
        raise Refusal(400, "Query: a NUL character is nowhere allowed.")
    try:
        return msgspec.convert(sent, operation.query or Everything, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(400, f"Query: {error}") from error


def body_of(request: HttpRequest, operation: Operation) -> tuple[Any, Any]:
    """Return the document and its typed form. What the content type says is of no interest: clients say anything."""
    raw = request.body
    if operation.body_types != (JSON,):
        return raw, raw
    if not raw.strip() and operation.body_is_optional:
        return {}, msgspec.convert({}, operation.body) if isinstance(operation.body, type) else {}
    if b"\\u0000" in raw.lower():
        raise Refusal(400, "Request body malformed: a NUL character is nowhere allowed.")
    try:
        document = msgspec.json.decode(raw)
        if is_deeper(document, DEEPEST):
            raise Refusal(400, f"Request body malformed: it is nested more than {DEEPEST} levels deep.")
        return document, msgspec.convert(document, operation.body) if isinstance(operation.body, type) else document
    except msgspec.ValidationError as error:
        raise Refusal(400, f"Request body malformed: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"Request body malformed: {error}") from error


def respond(answered: Any) -> HttpResponseBase:
    if isinstance(answered, HttpResponseBase):
        return answered
    if isinstance(answered, Streamed):
        return StreamingHttpResponse(answered.chunks, content_type=JSON)
    return (answered if isinstance(answered, Answer) else Answer(answered)).response()
