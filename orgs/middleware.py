"""Who decides the organisation of a request, and for how long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.http.request import split_domain_port
from django.urls import get_script_prefix, set_script_prefix
from django.utils.http import urlencode

from orgs import audit, scope
from orgs.hot import ask, columns_of, drop_dead_connection, take
from orgs.http import OrgRequest, address
from orgs.models import Organisation
from orgs.sites import Kind, Site, site_at, site_of

GetResponse = Callable[[OrgRequest], HttpResponse]

# Finding the organisation and making its scope PostgreSQL's is one statement. It may see one row: `scope.by_slug`.
ENTER = f"""
SELECT {columns_of(Organisation)}, set_config('commonhold.reads', id, true), set_config('commonhold.writes', id, true)
FROM orgs_organisation WHERE slug = %s
"""  # noqa: S608 - made of names in this code
# So it is with a domain (`scope.by_domain`); the organisation's own row is then read in its scope.
ENTER_BY_DOMAIN = """
SELECT purpose, organisation_id, set_config('commonhold.reads', organisation_id, true),
    set_config('commonhold.writes', organisation_id, true)
FROM orgs_domain WHERE host = %s AND proven_at IS NOT NULL
"""
OWN_ROW = f"SELECT {columns_of(Organisation)} FROM orgs_organisation WHERE id = %s"  # noqa: S608 - as above


class SiteMiddleware:
    """Finds the site, strips its prefix, and owns the transaction: rolled back when the answer is an error of ours.

    The scope that it opens is enough to sign in: an organisation's own rows, or those of no organisation.
    The session is read in it, so a session of another site does not exist here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: OrgRequest) -> HttpResponse:
        drop_dead_connection()
        host, _ = split_domain_port(request.get_host())
        with site_scope(host, request.path_info) as site:
            take_place(request, site)
            with script_prefix(site.prefix):
                response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        name_cookies(response, site)
        return response


class ScopeMiddleware:
    """Once the user is known: writes audit lines in their name, and lets an unbounded user see what they came for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: OrgRequest) -> HttpResponse:
        user = request.user
        if not user.is_authenticated:
            if request.site.kind == Kind.VISIT:
                return HttpResponseRedirect(f"/all/sign-in/?{urlencode({'next': request.path})}")
            with audit.acting(audit.Actor(id="", name="visitor", address=address(request) or None)):
                return self.get_response(request)
        with audit.acting(audit.Actor(id=user.pk, name=user.email, address=address(request) or None)):
            if not request.site.is_for_unbounded_users:
                return self.get_response(request)
            with scope.opened(scope.EVERYTHING):
                return self.visit(request) if request.site.kind == Kind.VISIT else self.get_response(request)

    def visit(self, request: OrgRequest) -> HttpResponse:
        organisation = Organisation.objects.filter(slug=request.site.slug).first()
        if organisation is None:
            raise Http404
        take_place(request, replace(request.site, organisation=organisation), strip=False)
        with scope.opened(scope.visit(organisation.id)):
            audit.record(audit.VISITED, kind="organisation", obj=organisation, name=request.path_info.replace("\0", ""))
            return self.get_response(request)


@contextmanager
def site_scope(host: str, path: str) -> Iterator[Site]:
    """Open the scope in which people sign in to the site of this address; yield it, with its organisation if any."""
    site = site_of(host, path)
    if site is None:
        with by_domain(host, path) as found:
            yield found
    elif site.kind == Kind.ROOT:
        with transaction.atomic():
            yield site
    elif site.is_for_unbounded_users:
        with scope.opened(scope.INSTALLATION):
            yield site
    else:
        with scope.opened(scope.by_slug(site.slug), ENTER, [site.slug]) as rows:
            organisation = take(Organisation, iter(rows[0])) if rows else None
            if organisation is None:
                raise Http404
            scope.narrow_to(organisation.id)
            yield replace(site, organisation=organisation)


@contextmanager
def by_domain(host: str, path: str) -> Iterator[Site]:
    with scope.opened(scope.by_domain(host), ENTER_BY_DOMAIN, [host]) as rows:
        purpose, organisation_id, *_ = rows[0] if rows else ("", "")
        site = site_at(host, purpose, path)
        if site is None:
            raise Http404
        scope.narrow_to(organisation_id)
        [[row]] = ask((OWN_ROW, [organisation_id]))
        yield replace(site, organisation=take(Organisation, iter(row)))


def take_place(request: OrgRequest, site: Site, *, strip: bool = True) -> None:
    """Make this the site of the request; views, `reverse` and the admin see the path without its prefix."""
    request.site, request.urlconf = site, site.urlconf
    request.organisation = site.organisation  # type: ignore[assignment]  # views of an organisation have one
    if not strip:
        return
    request.META["SCRIPT_NAME"] = request.META.get("SCRIPT_NAME", "").rstrip("/") + site.prefix
    request.path_info = request.path_info.removeprefix(site.prefix)
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        request.COOKIES.pop(name, None)
        if own := request.COOKIES.get(f"{name}_{site.cookie_suffix}"):
            request.COOKIES[name] = own


@contextmanager
def script_prefix(prefix: str) -> Iterator[None]:
    outer = get_script_prefix()
    set_script_prefix(f"{outer.rstrip('/')}{prefix}/")
    try:
        yield
    finally:
        set_script_prefix(outer)


def name_cookies(response: HttpResponse, site: Site) -> None:
    """Give this site's cookies its own name and path: one browser may be signed in to several sites at once."""
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        if morsel := response.cookies.pop(name, None):
            own = f"{name}_{site.cookie_suffix}"
            morsel.set(own, morsel.value, morsel.coded_value)
            morsel["path"] = site.cookie_path
            response.cookies[own] = morsel
