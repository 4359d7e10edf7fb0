"""Requests one by one."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from analytics import asking
from analytics.log import filters, one, pages
from analytics.pages.frame import answer
from keys.finding import find_by_token, is_token
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, require

READ = require(ObjectKind.ANALYTICS, Level.READ)
IN_ADDRESS = "A key's secret in an address stays in histories and logs: rotate it, and use the form."


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    """The form posts (see `search`); only an address made by hand can bring a secret here."""
    if is_token(request.GET.get("key", "")):
        messages.warning(request, IN_ADDRESS)
        return _of_token(request, request.GET)
    context, export = pages.page(request)
    return answer(request, "analytics/requests.html", context, export)


@READ
@require_POST
def search(request: OrgRequest) -> HttpResponse:
    """Lead to the list that is asked for, by an address in which a pasted key is named by its id."""
    return _of_token(request, request.POST)


def _of_token(request: OrgRequest, asked: QueryDict) -> HttpResponse:
    names = (*asking.OF_TIME, *filters.NAMES)
    chosen = {name: text for name in names if (text := str(asked.get(name, "")).strip())}
    if is_token(chosen.get("key", "")):
        found = find_by_token(chosen.pop("key"))
        if found is None:
            messages.error(request, f"{request.organisation.name} has no key with this secret.")
        else:
            chosen["key"] = found.key.pk
    query = QueryDict(mutable=True)
    query.update(chosen)
    return redirect(f"{reverse('analytics:requests')}?{query.urlencode()}".removesuffix("?"))


@READ
@require_safe
def request(request: OrgRequest, at: datetime, id: int) -> HttpResponse:
    return render(request, "analytics/request.html", one.page(request, at, id))
