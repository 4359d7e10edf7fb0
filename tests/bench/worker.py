"""One process that does what it is told, a line of JSON at a time, and answers how long it took.

`walls` is the product as it is. `filter` is the same code with the walls taken down: a database superuser and no scope
told to PostgreSQL, so that only the manager's condition on the organisation is left. `bare` is that without the
request's transaction.
"""

import gc
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import Any

import django
from django.conf import settings

django.setup()

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.db import connection, reset_queries, transaction
from django.http import HttpResponse, QueryDict
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import path
from django.utils import timezone

from orgs import checks

if sys.argv[1:] in (["filter"], ["bare"]):  # a superuser is what it must be
    checks.refuse_to_start_without_walls = lambda: None

from apis import lists as api_lists
from apis import services as api_services
from apis.models import Api
from dashboard.utf8 import Application
from dashboard.wsgi import application
from keys import lists as key_lists
from keys import services as key_services
from keys.models import Key
from keys.rights import ApiAccess
from orgs import hosts, middleware, paging, scope
from orgs.hot import ask, columns_of
from orgs.models import Organisation
from portal import documents, markdown
from portal.kept import Kept
from users.models import User
from users.sessions import SessionStore

CONSTANT = b"x" * 20_000
urlpatterns = [path("", lambda request: HttpResponse(CONSTANT))]


def take_walls_down(*, keep_transaction: bool) -> None:
    @contextmanager
    def opened(wanted: scope.Scope, statement: str = "", params: Sequence[Any] = ()) -> Iterator[Any]:
        token = scope._open.set(wanted)
        try:
            with transaction.atomic(savepoint=False) if keep_transaction else nullcontext():
                yield ask((statement, params))[0] if statement else []
        finally:
            scope._open.reset(token)

    scope.opened = opened  # type: ignore[assignment]
    middleware.ENTER = f"SELECT {columns_of(Organisation)} FROM orgs_organisation WHERE slug = %s"


def organisation(slug: str) -> Organisation:
    with scope.opened(scope.EVERYTHING):
        return Organisation.objects.get(slug=slug)


class Visitor:
    """A signed-in administrator's browser, without a network: requests go straight to the WSGI application."""

    def __init__(self, slug: str) -> None:
        self.slug, of = slug, organisation(slug)
        with scope.opened(scope.of(of.id)):
            user = User.objects.filter(email="bench@commonhold.example").first()
            if user is None:
                user = User(email="bench@commonhold.example", name="Bench", organisation=of, is_administrator=True)
                user.save()
            session = SessionStore()
            session[SESSION_KEY], session[HASH_SESSION_KEY] = user.pk, user.get_session_auth_hash()
            session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
            session.create()
        # A browser that has been here before has the cookie against forged forms too.
        csrf = f"{settings.CSRF_COOKIE_NAME}_o-{slug}={'x' * 32}"
        self.cookie = f"{settings.SESSION_COOKIE_NAME}_o-{slug}={session.session_key}; {csrf}"

    def get(self, url: str) -> bytes:
        return respond(application, f"/o/{self.slug}{url}", self.cookie)


with override_settings(MIDDLEWARE=[]):
    bare_application = WSGIHandler()
visitors: dict[str, Visitor] = {}


def respond(
    app: Application, url: str, cookie: str = "", *, host: str = "localhost", expected: str = "200 OK"
) -> bytes:
    path, _, query = url.partition("?")
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": host,
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "HTTP_COOKIE": cookie,
    }  # fmt: skip
    statuses: list[str] = []
    response = app(environ, lambda status, headers: statuses.append(status))
    body = b"".join(response)
    if close := getattr(response, "close", None):
        close()
    assert statuses == [expected], (url, statuses)
    return body


def seconds(action: Callable[[], object]) -> float:
    began = perf_counter()
    action()
    return perf_counter() - began


def visitor(slug: str) -> Visitor:
    if slug not in visitors:
        visitors[slug] = Visitor(slug)
    return visitors[slug]


def page(slug: str, url: str) -> float:
    """A whole page, from the request to its last byte."""
    browser = visitor(slug)
    return seconds(lambda: browser.get(url))


def database(slug: str, url: str) -> float:
    """What a page's statements took, all together, after those that find its organisation and user."""
    spent: list[float] = []

    def timed(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        began = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            spent.append(perf_counter() - began)

    browser = visitor(slug)
    with connection.execute_wrapper(timed):
        browser.get(url)
    return sum(spent)


def portal(slug: str, url: str) -> float:
    """A whole page of a portal, of somebody who is not signed in."""
    return seconds(lambda: respond(application, f"/o/{slug}/portal{url}"))


def portal_anew(slug: str, url: str) -> float:
    """The same of a document of which nothing is kept."""
    documents.RENDERED = Kept(documents.RENDERED.most)
    markdown._laid_out.cache_clear()
    return portal(slug, url)


def unknown_host(times: int) -> int:
    """How many statements so many requests to a host that nobody has send."""
    hosts.REMEMBERED.forget()
    with CaptureQueriesContext(connection) as sent:
        for _ in range(times):
            respond(application, "/", host="nobody.example", expected="404 Not Found")
    return len([each for each in sent.captured_queries if "orgs_domain" in each["sql"]])


def bare_view() -> float:
    with override_settings(ROOT_URLCONF=__name__):
        return seconds(lambda: respond(bare_application, "/"))


def statements(slug: str, url: str) -> int:
    """How many statements a page sends, those that begin and end its transaction too."""
    browser = visitor(slug)
    request_started.disconnect(reset_queries)
    with CaptureQueriesContext(connection) as sent:
        browser.get(url)
    request_started.connect(reset_queries)
    return sum(len(re.findall(r"(?:^|; )\s*(?:BEGIN|SELECT|COMMIT)\b", each["sql"])) for each in sent.captured_queries)


def rows_of(kind: str, query: QueryDict) -> object:
    """The rows and the count of a page of a list, without its markup."""
    if kind == "keys":
        _, sort = paging.sort_of(query, key_lists.SORTS)
        return paging.page(key_lists.narrowed(query, now=timezone.now()), query=query, sort=sort, fields=("id",))
    _, sort = paging.sort_of(query, api_lists.SORTS)
    return paging.page(api_lists.narrowed(query), query=query, sort=sort, fields=("id",))


def rows(slug: str, kind: str, query: str) -> float:
    of = scope.of(visitor_organisation(slug))
    with scope.opened(of):
        return seconds(lambda: rows_of(kind, QueryDict(query)))


def plan(slug: str, kind: str, query: str) -> int:
    """The most rows that any step of the list's plans read."""
    with scope.opened(scope.of(visitor_organisation(slug))), CaptureQueriesContext(connection) as captured:
        rows_of(kind, QueryDict(query))
        sent = [each["sql"] for each in captured.captured_queries if each["sql"].startswith("SELECT")]
        with connection.cursor() as cursor:
            return max(_most_rows(cursor, statement) for statement in sent)


def _most_rows(cursor: Any, statement: str) -> int:
    cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement)
    return max(_rows_read(cursor.fetchone()[0][0]["Plan"]))


def _rows_read(node: dict[str, Any]) -> Iterator[int]:
    yield int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    for inner in node.get("Plans", ()):
        yield from _rows_read(inner)


organisations: dict[str, str] = {}


def visitor_organisation(slug: str) -> str:
    if slug not in organisations:
        organisations[slug] = organisation(slug).id
    return organisations[slug]


def create_key(slug: str) -> float:
    with scope.opened(scope.of(visitor_organisation(slug))):
        api = next(iter(Api.objects.values_list("id", flat=True)[:1]))

    def create() -> None:
        with scope.opened(scope.of(visitor_organisation(slug))):
            key_services.create_key(alias="bench key", accesses=[ApiAccess(api)], tags=["bench"])

    return seconds(create)


def insert_row(slug: str) -> float:
    """A bare insert of one row of the same table, in a transaction of its own."""
    key = Key(
        alias="bench row",
        hash="0" * 64,
        digest=os.urandom(32).hex(),
        masked="…0000",
        organisation_id=visitor_organisation(slug),
    )
    return seconds(lambda: key.save(force_insert=True))


def import_document(slug: str, file: str) -> float:
    data = Path(file).read_bytes()

    def run() -> None:
        with scope.opened(scope.of(visitor_organisation(slug))):
            api_services.import_text(data)
            transaction.set_rollback(True)

    return seconds(run)


def resident_mb() -> float:
    gc.collect()
    with Path("/proc/self/status").open() as status:
        kilobytes = next(line.split()[1] for line in status if line.startswith("VmRSS"))
    return int(kilobytes) / 1024


COMMANDS: dict[str, Callable[..., float]] = {
    each.__name__: each
    for each in (
        page,
        database,
        portal,
        portal_anew,
        unknown_host,
        bare_view,
        statements,
        rows,
        plan,
        create_key,
        insert_row,
        import_document,
        resident_mb,
    )
}


def main() -> None:
    if sys.argv[1] != "walls":
        take_walls_down(keep_transaction=sys.argv[1] == "filter")
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](*arguments)), flush=True)


if __name__ == "__main__":
    main()
