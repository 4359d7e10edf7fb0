"""Where a portal and its pages are, for links that leave it: in mails, and on the organisation's own site."""

from typing import Any
from urllib.parse import urlsplit

from django.urls import get_script_prefix, reverse

from orgs.http import OrgRequest
from orgs.sites import Kind

URLCONF = "dashboard.urls.portal"


def address_of(request: OrgRequest, name: str = "portal:home", **kwargs: Any) -> str:
    """Return the absolute address of a page of the organisation's portal, whichever site the request came to."""
    path = reverse(name, urlconf=URLCONF, kwargs=kwargs).removeprefix(get_script_prefix().rstrip("/"))
    return f"{root_of(request)}{path}"


def root_of(request: OrgRequest) -> str:
    """Return the portal's address, without a slash at its end."""
    prefix = request.site.prefix if request.site.kind == Kind.PORTAL else f"/o/{request.organisation.slug}/portal"
    here = urlsplit(request.build_absolute_uri("/"))
    return f"{here.scheme}://{here.netloc}{prefix}"


def dashboard_of(request: OrgRequest) -> str:
    """Return the address of the organisation's own site, without a slash at its end."""
    here = urlsplit(request.build_absolute_uri("/"))
    return f"{here.scheme}://{here.netloc}/o/{request.organisation.slug}"
