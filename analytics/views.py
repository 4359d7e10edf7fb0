"""The pages of an organisation's analytics. Each is also a file, by `?format=csv` or `json`."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from analytics.board import pages as board_pages
from analytics.models import Facet
from analytics.naming import number
from analytics.pages import errors as errors_page
from analytics.pages import listed, subject, use
from analytics.pages import overview as overview_page
from analytics.pages.frame import answer, prefix_of
from analytics.pages.subjects import hashes_of, number_of_key
from apis.pages import find_api
from apis.pages import page as api_page
from keys.models import Key
from keys.pages import page as key_page
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, check, require

READ = require(ObjectKind.ANALYTICS, Level.READ)
PAGE = "analytics/page.html"


@READ
@require_safe
def overview(request: OrgRequest) -> HttpResponse:
    return answer(request, PAGE, *overview_page.page(request))


@READ
@require_safe
def apis(request: OrgRequest) -> HttpResponse:
    return answer(request, PAGE, *listed.page(request, listed.APIS))


@READ
@require_safe
def api(request: OrgRequest, api_id: str) -> HttpResponse:
    return answer(request, PAGE, *subject.of_api(request, api_id))


@READ
@require_safe
def keys(request: OrgRequest) -> HttpResponse:
    return answer(request, PAGE, *listed.page(request, listed.KEYS))


@READ
@require_safe
def key(request: OrgRequest, id: str) -> HttpResponse:
    return answer(request, PAGE, *subject.of_key(request, get_object_or_404(Key, pk=id)))


@READ
@require_safe
def board(request: OrgRequest) -> HttpResponse:
    """It lists keys, for those who may read them too."""
    check(request, ObjectKind.KEYS, Level.READ)
    return answer(request, "analytics/board.html", *board_pages.page(request))


@READ
@require_safe
def paths(request: OrgRequest) -> HttpResponse:
    return answer(request, PAGE, *listed.page(request, listed.PATHS))


@READ
@require_safe
def errors(request: OrgRequest) -> HttpResponse:
    return answer(request, PAGE, *errors_page.page(request))


@READ
@require_safe
def countries(request: OrgRequest) -> HttpResponse:
    return answer(request, PAGE, *listed.page(request, listed.COUNTRIES))


@READ
@require_safe
def tags(request: OrgRequest) -> HttpResponse:
    return answer(request, PAGE, *listed.page(request, listed.TAGS))


@READ
@require_safe
def clients(request: OrgRequest) -> HttpResponse:
    return answer(request, PAGE, *listed.page(request, listed.CLIENTS))


@READ
@require_safe
def api_use(request: OrgRequest, id: str) -> HttpResponse:
    """A tab of the API's page, for those who may read both."""
    check(request, ObjectKind.APIS, Level.READ)
    found = find_api(id)
    href = f"{prefix_of(request)}apis/{found.api_id}/"
    tab = use.tab(use.OF_APIS, [number(Facet.API.value, found.api_id)], href, things="this API")
    return render(request, "analytics/api_use.html", api_page(request, found, "use") | tab)


@READ
@require_safe
def key_use(request: OrgRequest, id: str) -> HttpResponse:
    """A tab of the key's page, for those who may read both."""
    check(request, ObjectKind.KEYS, Level.READ)
    found = get_object_or_404(Key, pk=id)
    values = [number_of_key(hash) for hash, _ in hashes_of(found)]
    tab = use.tab(use.OF_KEYS, values, f"{prefix_of(request)}keys/{found.pk}/", things="this key")
    return render(request, "analytics/key_use.html", key_page(request, found, "Use") | tab | use.quota(found))
