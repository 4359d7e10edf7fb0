"""Where an organisation's portal and its own site are, for links that leave them, as those in mails do."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import get_script_prefix, reverse

from orgs.http import OrgRequest
from orgs.models import Organisation
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

    @property
    def site(self) -> Site:
        return Site(Kind.PORTAL, slug=self.organisation.slug, organisation=self.organisation)


def places_of(request: HttpRequest, organisation: Organisation | None = None) -> Places:
    """`organisation` is needed where the request is a machine's, which comes to no site."""
    here = urlsplit(request.build_absolute_uri("/"))
    root, site = f"{here.scheme}://{here.netloc}", getattr(request, "site", None)
    own = organisation or cast(OrgRequest, request).organisation
    portal = site.prefix if site and site.kind == Kind.PORTAL else f"/o/{own.slug}/portal"
    return Places(own, portal=f"{root}{portal}", dashboard=f"{root}/o/{own.slug}")
