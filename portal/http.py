"""The request as views of the portal see it, and the doors that stand on each of them."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from orgs.http import OrgRequest
from portal.models import Developer, Portal

P = ParamSpec("P")


class PortalRequest(OrgRequest):
    """A request on a portal that is on; `developer` is who is signed in there.

    `pages` are those of the navigation that this visitor may read: [(title, slug)].
    """

    portal: Portal
    pages: list[tuple[str, str]]
    developer: Developer | None


class DeveloperRequest(PortalRequest):
    developer: Developer


VisitorView = Callable[Concatenate[PortalRequest, P], HttpResponseBase]
DeveloperView = Callable[Concatenate[DeveloperRequest, P], HttpResponseBase]
DjangoView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def visitors(view: VisitorView[P]) -> DjangoView[P]:
    """For pages of a portal that need nobody to be signed in. Every view of it has this or `developers`."""
    return _marked(cast(DjangoView[P], view), "visitor of the portal")


def developers(view: DeveloperView[P]) -> DjangoView[P]:
    """Lead who is not signed in to the sign-in, and back; who has not accepted the terms of today, there first."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        portal_request = cast(PortalRequest, request)
        wanted = urlencode({"next": request.get_full_path() if request.method == "GET" else ""})
        if portal_request.developer is None:
            return HttpResponseRedirect(f"{reverse('portal:sign_in')}?{wanted}")
        if portal_request.developer.terms_revision < portal_request.portal.terms_revision:
            return HttpResponseRedirect(f"{reverse('portal:accept_terms')}?{wanted}")
        return view(cast(DeveloperRequest, request), *args, **kwargs)

    return _marked(cast(DjangoView[P], guarded), "developer of the portal")


def _marked(view: DjangoView[P], access: str) -> DjangoView[P]:
    marked = login_not_required(view)
    marked.access = access  # type: ignore[attr-defined]
    return marked
