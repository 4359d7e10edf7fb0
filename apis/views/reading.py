"""The list of APIs, and what there is to see of one."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apis import pages
from apis.definition import slugify
from apis.lists import api_list
from apis.models import Api
from apis.services import KIND
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, check, may, require
from orgs.trail import history_of

MOST_LINES = 50


@require(ObjectKind.APIS, Level.READ)
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    may_write = may(request, ObjectKind.APIS, Level.WRITE)
    return render(request, "apis/list.html", api_list(request, may_write=may_write))


@require(ObjectKind.APIS, Level.READ)
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    return _tab(request, "detail", api, facts=pages.facts(api))


@require(ObjectKind.APIS, Level.READ)
@require_safe
def definition(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    return _tab(request, "definition", api, text=pages.pretty(api))


@require(ObjectKind.APIS, Level.READ)
@require_safe
def download_definition(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    return _file(pages.pretty(api), f"{slugify(api.name)}.json")


@require(ObjectKind.APIS, Level.READ)
@require_safe
def openapi(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    return _tab(request, "openapi", api, facts=pages.openapi_facts(_document(api)))


@require(ObjectKind.APIS, Level.READ)
@require_safe
def download_openapi(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    return _file(_document(api), f"{slugify(api.name)}.openapi.json")


@require(ObjectKind.APIS, Level.READ)
@require_safe
def history(request: OrgRequest, id: str) -> HttpResponse:
    check(request, ObjectKind.AUDIT, Level.READ)
    api = pages.find_api(id)
    lines = history_of(KIND, api.pk, organisation_id=api.organisation_id, most=MOST_LINES)
    return _tab(request, "history", api, history=lines)


def _tab(request: OrgRequest, tab: str, api: Api, **context: Any) -> HttpResponse:
    return render(request, f"apis/{tab}.html", pages.page(request, api, tab) | context)


def _document(api: Api) -> str:
    if not api.openapi:
        raise Http404
    return api.openapi


def _file(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/json", headers=headers)
