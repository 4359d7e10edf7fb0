"""The error pages. They need neither a database nor a signed-in user."""

import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views import defaults

LOST_DATABASE = (OperationalError, InterfaceError)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        most = getattr(exception, "most", settings.DATA_UPLOAD_MAX_MEMORY_SIZE) / 1_000_000
        reason = f"What was sent is larger than {most:g} MB. Nothing has been stored."
        return TemplateResponse(request, "400.html", {"reason": reason}, status=413)
    return TemplateResponse(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return TemplateResponse(request, "403.html", {"reason": str(exception)}, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """One page for what never was and for what is another organisation's."""
    return TemplateResponse(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], LOST_DATABASE):
        response = defaults.server_error(request, "503.html")
        response.status_code = 503
        response.headers["Retry-After"] = "5"
        return response
    return defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    context: dict[str, Any] = {
        "heading": "This page was open too long",
        "reason": "Its form could not be trusted any more. Go back, reload the page and send it again.",
    }
    return TemplateResponse(request, "403.html", context, status=403)
