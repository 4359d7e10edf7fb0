"""Requests whose content type names a charset, from the server's side of Django."""

from io import BytesIO

import pytest
from django.core.handlers.wsgi import WSGIHandler

from dashboard.utf8 import without_charset


@pytest.mark.parametrize("charset", ["idna", "zlib", "undefined", "utf-16", "UTF-8"])
@pytest.mark.parametrize(
    ("query", "status"), [("q=%FF%FE", "200 OK"), ("&".join(["a=1"] * 1_001), "400 Bad Request")], ids=["bytes", "many"]
)
def test_no_charset_makes_an_error_of_ours(db: None, charset: str, query: str, status: str) -> None:
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/hello", "QUERY_STRING": query, "HTTP_HOST": "localhost",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": BytesIO(),
        "CONTENT_TYPE": f"application/json; charset={charset}",
    }  # fmt: skip
    statuses: list[str] = []
    without_charset(WSGIHandler())(environ, lambda answered, headers: statuses.append(answered))
    assert statuses == [status]
    assert environ["CONTENT_TYPE"] == "application/json"
