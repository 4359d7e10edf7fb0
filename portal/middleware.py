"""Who visits a portal. Users of the organisation are visitors there like everybody else."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from orgs import audit
from orgs.hot import ask, columns_of, take
from orgs.http import OrgRequest
from orgs.sites import Kind
from portal.http import PortalRequest
from portal.models import Portal
from portal.sessions import SessionStore, developer_of

# What every page of a portal begins with: how it is, and the pages in its navigation.
LARGE = ("logo", "terms", "extra")
PORTAL = f"""
SELECT {columns_of(Portal, without=LARGE)} FROM portal_portal WHERE organisation_id = %s AND is_on
"""  # noqa: S608 - made of names in this code
PAGES = """
SELECT title, slug, NOT is_for_developers FROM portal_page
WHERE organisation_id = %s AND is_published AND in_navigation ORDER BY position, title, id
"""


class SiteSessionMiddleware(SessionMiddleware):
    """As Django's, but a portal has sessions of its own kind."""

    def process_request(self, request: HttpRequest) -> None:
        if cast(OrgRequest, request).site.kind == Kind.PORTAL:
            request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        else:
            super().process_request(request)


class PortalMiddleware:
    """Opens a portal that is on, and writes audit lines in its developer's name. One that is off is not there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponse:
        if request.site.kind != Kind.PORTAL:
            return self.get_response(request)
        found, pages = ask((PORTAL, [request.organisation.id]), (PAGES, [request.organisation.id]))
        portal = take(Portal, iter(found[0]), without=LARGE) if found else None
        if portal is None:
            raise Http404
        if request.organisation.is_suspended:
            raise PermissionDenied("This portal is closed for now.")
        request.portal, request.developer = portal, developer_of(cast(SessionStore, request.session))
        request.pages = [(title, slug) for title, slug, is_open in pages if is_open or request.developer]
        by = audit.actor()
        if request.developer:
            by = replace(by, id=request.developer.pk, name=request.developer.email)
        with audit.acting(by):
            return self.get_response(request)
