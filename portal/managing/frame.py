"""What the pages that manage a portal share: asking before something is done, previews, an object's history."""

from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import render

from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may
from orgs.trail import history_of
from portal.models import Portal
from portal.site.frame import look


def confirm_page(request: OrgRequest, confirm: dict[str, Any]) -> HttpResponse:
    """Ask whether it is meant; `confirm` is what `partials/confirm.html` shows."""
    return render(request, "portal_managing/confirm.html", {"page_title": confirm["title"], "confirm": confirm})


def preview_page(
    request: OrgRequest, template: str, portal: Portal, context: dict[str, Any], *, back_url: str
) -> HttpResponse:
    """Show a page of the portal as a developer sees it, also while it is a draft or the portal is off."""
    frame: dict[str, Any] = {
        "portal": look(portal, request.organisation.name, root=f"{request.site.prefix}/portal-settings/"),
        "developer": None,
        "navigation": [],
        "is_preview": True,
        "back_url": back_url,
    }
    return render(request, template, frame | context)


def history(request: OrgRequest, kind: str, obj: Model) -> list[dict[str, Any]] | None:
    """Return what has happened to it, or None for whom may not read the audit trail."""
    if not may(request, ObjectKind.AUDIT, Level.READ):
        return None
    return history_of(kind, str(obj.pk), organisation_id=request.organisation.pk)
