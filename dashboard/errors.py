"""The error pages. They need neither a database nor a signed-in user; within a portal they look as it does."""

import sys
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse

from orgs.sites import Kind
from portal.http import PortalRequest
from portal.site.frame import frame

LOST_DATABASE = (OperationalError, InterfaceError)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        most = getattr(exception, "most", settings.DATA_UPLOAD_MAX_MEMORY_SIZE) / 1_000_000
        return _page(request, 413, reason=f"What was sent is larger than {most:g} MB. Nothing has been stored.")
    return _page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403, reason=str(exception))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """One page for what never was and for what is another organisation's."""
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Whatever went wrong, this works: of a portal it knows the address alone."""
    status = 503 if isinstance(sys.exc_info()[1], LOST_DATABASE) else 500
    response = HttpResponse(render_to_string(f"{status}.html", _way_home(request)), status=status)
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        heading="This page was open too long",
        reason="Its form could not be trusted any more. Go back, reload the page and send it again.",
    )


def _page(request: HttpRequest, status: int, **context: str) -> HttpResponse:
    template = "400.html" if status == 413 else f"{status}.html"
    around = _way_home(request)
    if hasattr(request, "portal"):
        around = {"error_frame": "portal/base_error.html", **frame(cast(PortalRequest, request))}
    return TemplateResponse(request, template, {**around, **context}, status=status)


def _way_home(request: HttpRequest) -> dict[str, Any]:
    """From a portal that is off, or whose organisation is suspended, nothing leads anywhere."""
    site = getattr(request, "site", None)
    if site is None or site.kind != Kind.PORTAL:
        return {}
    return {"home_url": f"{site.prefix}/" if hasattr(request, "portal") else ""}
