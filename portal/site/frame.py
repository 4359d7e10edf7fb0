"""What every page of a portal has around it."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from portal.http import PortalRequest
from portal.models import Page, Portal

# What is reached from a page of the navigation, and lies elsewhere; below home lies everything.
BELOW = {"": ("apis/",), "applications/": ("applications/", "keys/", "requests/")}


def show(request: PortalRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """Render a page within the portal's frame."""
    return render(request, template, {**frame(request), **context}, status=status)


def confirm_page(request: PortalRequest, confirm: dict[str, Any]) -> HttpResponse:
    """Ask whether it is meant; `confirm` is what `partials/confirm.html` shows."""
    return show(request, "portal/confirm.html", page_title=confirm["title"], confirm=confirm)


def frame(request: PortalRequest) -> dict[str, Any]:
    links = [("APIs", reverse("portal:home"))]
    links += [(title, reverse("portal:page", args=[slug])) for title, slug in request.pages]
    if request.developer:
        links.append(("My applications", reverse("portal:applications")))
    return {
        "portal": look(request.portal, request.organisation.name, root=reverse("portal:home")),
        "developer": request.developer,
        "navigation": [(label, href, _is_current(request.path, href)) for label, href in links],
    }


def look(portal: Portal, name: str, *, root: str) -> dict[str, Any]:
    """Return how a portal looks, to the templates; `root` is where its files are."""
    return {
        "name": portal.title or name,
        "tagline": portal.tagline,
        "logo_url": f"{root}logo?{portal.revision}" if portal.logo_type else "",
        "theme_url": f"{root}theme.css?{portal.revision}" if portal.variables else "",
        "takes_sign_ups": portal.takes_sign_ups,
        "has_terms": bool(portal.terms_revision),
    }


def readable_pages(request: PortalRequest) -> "QuerySet[Page]":
    pages = Page.objects.filter(is_published=True)
    return pages if request.developer else pages.filter(is_for_developers=False)


def _is_current(path: str, href: str) -> bool:
    home = reverse("portal:home")
    below = href.removeprefix(home)
    return path == href or path.removeprefix(home).startswith(BELOW.get(below, (below,)))
