"""A middleware for tests: in the middle of a request that asks for it, the database goes or a view fails."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

from tests.walls.conftest import SUPERUSER, connect
from users.models import Group

GetResponse = Callable[[HttpRequest], HttpResponse]


def terminate(pids: str) -> None:
    """End the database's sessions that the SQL condition names, as an administrator would."""
    with connect(SUPERUSER, autocommit=True) as server:
        web = "FROM pg_stat_activity WHERE usename = 'commonhold_web' AND datname = current_database()"
        server.execute(f"SELECT pg_terminate_backend(pid, 2000) {web} AND {pids}")


def trouble(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        if request.headers.get("X-Trouble") == "lost database":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                terminate(f"pid = {int(cursor.fetchone()[0])}")
            return HttpResponse(str(Group.objects.count()))
        if status := request.headers.get("X-Status"):
            Group.objects.create(name=f"Made before {status}")
            return HttpResponse(status=int(status))
        if request.headers.get("X-Trouble") == "bug":
            Group.objects.create(name="Made before a bug")
            raise RuntimeError("a bug")
        return get_response(request)

    return middleware
