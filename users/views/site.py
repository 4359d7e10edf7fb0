"""What the users' views need to know of the site that they are on."""

from functools import wraps
from typing import ParamSpec, cast

from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme

from orgs.http import OrgRequest
from orgs.permissions import View
from orgs.sites import Kind, Site
from users.models import User

P = ParamSpec("P")


def own_users(request: OrgRequest) -> "QuerySet[User]":
    """The users whom this site is about: its organisation's, or at `/all/` the unbounded ones."""
    return User.objects.filter(organisation=request.site.organisation)


def safe_next(site: Site, wanted: str) -> str:
    """Return where to go after sign-in: a path of this site, else its overview."""
    home = f"{site.prefix}/"
    is_tricky = ".." in wanted or "%2e" in wanted.lower()
    is_local = wanted.startswith(home) and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_local and not is_tricky else home


def not_on_visits(view: View[P]) -> View[P]:
    """A visiting unbounded user has their account and session at `/all/`: a visit has no such pages."""

    @wraps(view)
    def at_home(request: OrgRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.site.kind == Kind.VISIT:
            raise Http404
        return view(request, *args, **kwargs)

    return cast(View[P], at_home)
