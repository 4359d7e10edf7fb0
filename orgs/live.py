"""Pages that renew a part of themselves (`templates/partials/live.html`)."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from orgs.http import OrgRequest


def live(request: OrgRequest, folder: str, name: str, context: dict[str, Any]) -> HttpResponse:
    """The page asks for itself again and again, and is given what may have changed in it alone."""
    is_fragment = request.headers.get("HX-Request") == "true"
    return render(request, f"{folder}/{'_' if is_fragment else ''}{name}.html", context)
