"""The URL spaces: which site a request is for. What the URL says is not yet permission to see anything."""

import re
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from orgs.models import Domain, Organisation

SLUG = re.compile(r"[a-z0-9-]{1,40}")


class Kind(StrEnum):
    ROOT = "root"
    ORGANISATION = "organisation"
    PORTAL = "portal"
    ALL = "all"
    VISIT = "visit"


@dataclass(frozen=True)
class Site:
    """`prefix` is the part of the path that no view sees, without a slash at its end."""

    kind: Kind
    prefix: str = ""
    slug: str = ""
    domain: str = ""
    organisation: Organisation | None = None

    @property
    def urlconf(self) -> str:
        return {
            Kind.ROOT: "dashboard.urls.root",
            Kind.ORGANISATION: "dashboard.urls.organisation",
            Kind.PORTAL: "dashboard.urls.portal",
            Kind.ALL: "dashboard.urls.all",
            Kind.VISIT: "dashboard.urls.organisation",
        }[self.kind]

    @property
    def is_for_unbounded_users(self) -> bool:
        return self.kind in (Kind.ALL, Kind.VISIT)

    @property
    def is_read_only(self) -> bool:
        return self.is_for_unbounded_users

    @property
    def cookie_path(self) -> str:
        """A visit is part of the unbounded users' site: one session for both."""
        return "/all/" if self.is_for_unbounded_users else f"{self.prefix}/"

    @property
    def cookie_suffix(self) -> str:
        """Keeps the cookies of `/`, which browsers send everywhere, apart from those of the sites below it."""
        if self.is_for_unbounded_users:
            return "all"
        if self.slug:
            return f"{'p' if self.kind == Kind.PORTAL else 'o'}-{self.slug}"
        return self.kind.value


def site_of(host: str, path: str) -> Site | None:
    """Read the site from a host (without port) and a path; None where it takes the purpose of a domain to know."""
    if host not in settings.SITE_HOSTS:
        return None
    match path.split("/")[1:]:
        case ["o", slug, "portal", _, *_] if SLUG.fullmatch(slug):
            return Site(Kind.PORTAL, prefix=f"/o/{slug}/portal", slug=slug)
        case ["o", slug, _, *_] if SLUG.fullmatch(slug):
            return Site(Kind.ORGANISATION, prefix=f"/o/{slug}", slug=slug)
        case ["all", "o", slug, _, *_] if SLUG.fullmatch(slug):
            return Site(Kind.VISIT, prefix=f"/all/o/{slug}", slug=slug)
        case ["all", _, *_]:
            return Site(Kind.ALL, prefix="/all")
    return Site(Kind.ROOT)


def site_at(host: str, purpose: str, path: str) -> Site | None:
    """The site at a path of an organisation's domain; None where gateways serve, and not we."""
    if purpose == Domain.Purpose.PORTAL:
        return Site(Kind.PORTAL, domain=host)
    if purpose != Domain.Purpose.DASHBOARD:
        return None
    if path.startswith("/portal/"):
        return Site(Kind.PORTAL, prefix="/portal", domain=host)
    return Site(Kind.ORGANISATION, domain=host)
