"""What every page knows: where it is, and where one can go from there."""

from typing import Any

from django.http import HttpRequest

from orgs.sites import Kind
from users.permissions import Level, ObjectKind

# Label, path below the site's prefix, icon, and the kind that one must be allowed to read.
Link = tuple[str, str, str, ObjectKind | None]
ORGANISATION_LINKS: tuple[tuple[str, tuple[Link, ...]], ...] = (
    ("", (("Overview", "/", "home", None),)),
    ("Gateway", (("APIs", "/apis/", "api", ObjectKind.APIS), ("Keys", "/keys/", "key", ObjectKind.KEYS))),
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
            ("Settings", "/settings/", "settings", ObjectKind.SYSTEM),
            ("Admin", "/admin/", "table", None),
        ),
    ),
)
ALL_LINKS: tuple[tuple[str, tuple[Link, ...]], ...] = (
    (
        "",
        (
            ("Organisations", "/", "building", None),
            ("Search", "/search/", "search", None),
            ("Unbounded users", "/users/", "users", None),
            ("Audit trail", "/audit/", "history", None),
            ("Admin", "/admin/", "table", None),
        ),
    ),
)


def page(request: HttpRequest) -> dict[str, Any]:
    site = getattr(request, "site", None)
    user = getattr(request, "user", None)
    if site is None or user is None or not user.is_authenticated or site.kind == Kind.ROOT:
        return {"site": site, "nav": []}
    own_site = "/all" if site.kind == Kind.VISIT else site.prefix
    return {
        "site": site,
        "nav": navigation(request),
        "account_url": f"{own_site}/account/",
        "sign_out_url": f"{own_site}/sign-out/",
    }


def navigation(request: HttpRequest) -> list[tuple[str, list[tuple[str, str, str, bool]]]]:
    """Return [(group, [(label, href, icon, is current)])] of what the user may read. Plain paths: `reverse` is slow."""
    site, here = request.site, request.path_info
    groups = ALL_LINKS if site.kind == Kind.ALL else ORGANISATION_LINKS
    return [
        (
            group,
            [
                (label, f"{site.prefix}{path}", icon, here == path or (path != "/" and here.startswith(path)))
                for label, path, icon, kind in links
                if kind is None or request.user.level(kind) >= Level.READ
            ],
        )
        for group, links in groups
    ]
