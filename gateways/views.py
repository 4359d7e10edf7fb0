"""The gateways of an organisation: looked at, and never changed, since they are the installation's."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from apis.pages import find_api
from apis.pages import page as api_page
from gateways import pages, sight
from orgs.http import OrgRequest
from orgs.live import live
from orgs.permissions import Level, ObjectKind, require

READ = require(ObjectKind.SYSTEM, Level.READ)


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return live(request, "gateways", "list", pages.overview(request))


@READ
@require_safe
def node(request: OrgRequest, id: UUID) -> HttpResponse:
    found = sight.find_node(str(id))
    if found is None:
        raise Http404
    return live(request, "gateways", "node", pages.node_page(request, found))


@require(ObjectKind.APIS, Level.READ)
@require_safe
def api(request: OrgRequest, id: str) -> HttpResponse:
    """A tab of the API's page: where it runs is for those who may read the API."""
    found = find_api(id)
    return live(request, "gateways", "api", api_page(request, found, "gateways") | pages.api_tab(request, found))
