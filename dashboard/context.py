"""What every page knows: where it is, and where one can go from there."""

from functools import lru_cache, partial
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from dashboard.curl import command_for
from gateways.drift import fault_of
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind
from orgs.sites import Kind, Site
from portal.beside import Owner, entry_of, owner_of, waiting

# Label, path below the site's prefix, icon, and the kind that one must be allowed to read.
Link = tuple[str, str, str, ObjectKind | None]
# [(group, [(label, href, icon, is current, how many wait there)])], hashable.
Navigation = tuple[tuple[str, tuple[tuple[str, str, str, bool, str], ...]], ...]
REQUESTS = "/key-requests/"
# The pages that say how many wait: on all others the question would cost more than it tells.
OF_PORTAL = ("/catalogue/", "/developers/", REQUESTS, "/portal-pages/", "/portal-settings/")
ORGANISATION_LINKS: tuple[tuple[str, tuple[Link, ...]], ...] = (
    ("", (("Overview", "/", "home", None),)),
    (
        "Gateway",
        (
            ("APIs", "/apis/", "api", ObjectKind.APIS),
            ("Keys", "/keys/", "key", ObjectKind.KEYS),
            ("Policies", "/policies/", "adjustments", ObjectKind.POLICIES),
            ("Certificates", "/certificates/", "shield-lock", ObjectKind.CERTIFICATES),
            ("Webhooks", "/webhooks/", "activity", ObjectKind.WEBHOOKS),
            ("Alerts", "/alerts/", "alert-triangle", ObjectKind.ANALYTICS),
            ("Gateways", "/gateways/", "server", ObjectKind.SYSTEM),
            ("Analytics", "/analytics/", "chart-bar", ObjectKind.ANALYTICS),
        ),
    ),
    (
        "Developer portal",
        (
            ("Catalogue", "/catalogue/", "books", ObjectKind.PORTAL),
            ("Developers", "/developers/", "users", ObjectKind.PORTAL),
            ("Requests", REQUESTS, "mail", ObjectKind.PORTAL),
            ("Pages", "/portal-pages/", "edit", ObjectKind.PORTAL),
            ("Portal settings", "/portal-settings/", "world", ObjectKind.PORTAL),
        ),
    ),
    (
        "People",
        (
            ("Users", "/users/", "users", ObjectKind.USERS),
            ("User groups", "/groups/", "users-group", ObjectKind.USER_GROUPS),
        ),
    ),
    (
        "Organisation",
        (
            ("Audit trail", "/audit/", "history", ObjectKind.AUDIT),
            ("Mail", "/mail/", "mail", ObjectKind.SYSTEM),
            ("Domains", "/domains/", "world", ObjectKind.SYSTEM),
            ("Settings", "/settings/", "settings", ObjectKind.SYSTEM),
            ("JSON API", "/reference/", "code", None),
            ("Admin", "/admin/", "list-check", None),
        ),
    ),
)
ALL_LINKS: tuple[tuple[str, tuple[Link, ...]], ...] = (
    (
        "",
        (
            ("Organisations", "/", "building", None),
            ("Search", "/search/", "search", None),
            ("Tags", "/tags/", "tag", None),
            ("Gateways", "/gateways/", "server", None),
            ("Analytics", "/analytics/", "chart-bar", None),
            ("Unbounded users", "/users/", "users", None),
            ("Audit trail", "/audit/", "history", None),
            ("JSON API", "/reference/", "code", None),
            ("Admin", "/admin/", "list-check", None),
        ),
    ),
)


def page(request: OrgRequest) -> dict[str, Any]:
    site = getattr(request, "site", None)
    user = getattr(request, "user", None)
    if site is None or user is None or not user.is_authenticated or site.kind in (Kind.ROOT, Kind.PORTAL):
        return {"site": site}
    own_site = "/all" if site.kind == Kind.VISIT else site.prefix
    return {
        "site": site,
        "navigation": partial(navigation_of, request),
        "organisation_chip": chip_of(site),
        "home_url": f"{site.prefix}/",
        "all_url": "/all/" if site.kind == Kind.VISIT else "",
        "account_url": f"{own_site}/account/",
        "sign_out_url": f"{own_site}/sign-out/",
        "curl": command_for(request),
        "feed_fault": partial(feed_fault, request),
        "key_owner": partial(key_owner, request),
        "portal_link": partial(portal_link, request),
    }


def feed_fault(request: OrgRequest) -> str:
    """Return why gateways do not get the API of the page; asked only where a template does.

    Here, since the pages of APIs lie below the gateways, and do not know of them.
    """
    match = request.resolver_match
    return fault_of(match.kwargs["id"]) if match and "id" in match.kwargs else ""


def key_owner(request: OrgRequest) -> Owner | None:
    """Return whose the key of the page is, where it is a developer's; for the pages of keys, as above."""
    match = request.resolver_match
    may_know = request.user.level(ObjectKind.PORTAL) >= Level.READ
    return owner_of(match.kwargs["id"]) if may_know and match and "id" in match.kwargs else None


def portal_link(request: OrgRequest) -> tuple[str, str]:
    """Return where the API of the page is in the catalogue, or is put into it, with what to call that; or nothing."""
    match, level = request.resolver_match, request.user.level(ObjectKind.PORTAL)
    if not (match and "id" in match.kwargs and level >= Level.READ):
        return "", ""
    catalogue = f"{request.site.prefix}/catalogue/"
    if entry := entry_of(match.kwargs["id"]):
        return f"{catalogue}{entry}/", "In the portal"
    may_publish = level >= Level.WRITE and not request.site.is_read_only
    return (f"{catalogue}create/?api={match.kwargs['id']}", "Publish") if may_publish else ("", "")


def navigation_of(request: OrgRequest) -> SafeString:
    """Made only where a template shows it: neither for a part that renews itself nor for an error page."""
    return navigation_html(navigation(request))


def navigation(request: OrgRequest) -> Navigation:
    """Return what the user may read, as plain paths: `reverse` is slow."""
    site, here = request.site, request.path_info
    counts_requests = here.startswith(OF_PORTAL) and request.user.level(ObjectKind.PORTAL) >= Level.READ
    counts = {REQUESTS: waiting()} if counts_requests and site.kind != Kind.ALL else {}
    groups = ALL_LINKS if site.kind == Kind.ALL else ORGANISATION_LINKS
    return tuple(
        (
            group,
            tuple(
                (
                    label,
                    f"{site.prefix}{path}",
                    icon,
                    here == path or (path != "/" and here.startswith(path)),
                    counts.get(path, ""),
                )
                for label, path, icon, kind in links
                if kind is None or request.user.level(kind) >= Level.READ
            ),
        )
        for group, links in groups
    )


def chip_of(site: Site) -> SafeString:
    organisation = site.organisation
    name, is_suspended = (organisation.name, organisation.is_suspended) if organisation else ("", False)
    return chip_html(site.kind, name, is_suspended, f"{site.prefix}/")


# What these two give out depends on their arguments alone: nothing of one organisation can reach another's page.
@lru_cache(maxsize=4096)
def chip_html(kind: Kind, name: str, is_suspended: bool, home_url: str) -> SafeString:
    organisation = {"name": name, "is_suspended": is_suspended} if name else None
    site = {"kind": kind, "organisation": organisation}
    return render_to_string("partials/organisation_chip.html", {"site": site, "home_url": home_url})


@lru_cache(maxsize=4096)
def navigation_html(nav: Navigation) -> SafeString:
    """Kept, because it is the same on every page of a section, and a third of what rendering a page takes."""
    return render_to_string("partials/navigation.html", {"nav": nav})
