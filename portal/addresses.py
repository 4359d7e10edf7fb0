"""Where an organisation's portal and its own site are, for links that leave them, as those in mails do."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse

from orgs.http import OrgRequest
from orgs.models import Domain, Organisation
from orgs.sites import Kind, Site

URLCONF = "dashboard.urls.portal"


@dataclass(frozen=True)
class Places:
    """Both are without a slash at their end."""

    organisation: Organisation
    portal: str
    dashboard: str

    def page(self, name: str = "portal:home", **kwargs: Any) -> str:
        """Return the absolute address of a page of the portal."""
        path = reverse(name, urlconf=URLCONF, kwargs=kwargs).removeprefix(get_script_prefix().rstrip("/"))
        return f"{self.portal}{path}"


def places_of(request: HttpRequest, organisation: Organisation | None = None) -> Places:
    """`organisation` is needed where the request is a machine's, which comes to no site.

    Links lead to the organisation's own domains where it has proven some, and stay where somebody is.
    """
    here = urlsplit(request.build_absolute_uri("/"))
    own = organisation or cast(OrgRequest, request).organisation
    site: Site | None = getattr(request, "site", None)
    root = f"{here.scheme}://{here.netloc}"
    proven = Domain.objects.filter(proven_at__isnull=False).order_by("proven_at", "id")
    hosts = {purpose: f"{here.scheme}://{host}" for purpose, host in proven.values_list("purpose", "host")}
    ours = f"{here.scheme}://{settings.SITE_HOSTS[0]}" if site and site.domain else root
    dashboard = hosts.get(Domain.Purpose.DASHBOARD, f"{ours}/o/{own.slug}")
    portal = hosts.get(Domain.Purpose.PORTAL, f"{dashboard}/portal")
    if site and site.kind == Kind.PORTAL:
        portal = f"{root}{site.prefix}"
    elif site and site.kind == Kind.ORGANISATION:
        dashboard = f"{root}{site.prefix}"
    return Places(own, portal=portal, dashboard=dashboard)
