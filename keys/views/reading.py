"""The list of keys, search, and what one key is."""

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from keys import pages
from keys.finding import find_by_token, is_token
from keys.lists import FILTERS, LastUsed, key_list
from keys.models import Key
from keys.services import KIND
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, check, may, require
from orgs.trail import history_of

READ = require(ObjectKind.KEYS, Level.READ)
MOST_LINES = 50
IN_ADDRESS = "A key's secret in an address stays in histories and logs: rotate it, and use the search box."


@READ
@require_safe
def index(request: OrgRequest, last_used: LastUsed | None = None) -> HttpResponse:
    """The search box posts (see `search`); only an address made by hand can bring a secret here."""
    if is_token(request.GET.get("q", "")):
        messages.warning(request, IN_ADDRESS)
        return _found(request, request.GET["q"])
    may_write = may(request, ObjectKind.KEYS, Level.WRITE)
    context = key_list(request, may_write=may_write, last_used=last_used)
    return render(request, "keys/list.html", context | {"may_write": may_write})


@READ
@require_POST
def search(request: OrgRequest) -> HttpResponse:
    """Lead to the key of a pasted secret, which is in no address then, or to the list that words narrow."""
    text = request.POST.get("q", "")
    if is_token(text):
        return _found(request, text)
    query = QueryDict(mutable=True)
    query.update({name: request.POST[name].strip() for name in FILTERS if request.POST.get(name, "").strip()})
    return redirect(f"{reverse('keys:list')}?{query.urlencode()}".removesuffix("?"))


def _found(request: OrgRequest, text: str) -> HttpResponse:
    found = find_by_token(text)
    if found is None:
        messages.error(request, f"{request.organisation.name} has no key with this secret.")
        return redirect("keys:list")
    messages.success(request, f"What was pasted is of this key: {found.secret}.")
    return redirect("keys:detail", id=found.key.pk)


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    return render(request, "keys/access.html", pages.page(request, key, "Access") | pages.access_table(request, key))


@READ
@require_safe
def settings(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    return render(request, "keys/settings.html", pages.page(request, key, "Settings") | {"facts": pages.facts(key)})


@READ
@require_safe
def history(request: OrgRequest, id: str) -> HttpResponse:
    check(request, ObjectKind.AUDIT, Level.READ)
    key = get_object_or_404(Key, pk=id)
    lines = history_of(KIND, key.pk, organisation_id=request.organisation.pk, most=MOST_LINES)
    return render(request, "keys/history.html", pages.page(request, key, "History") | {"history": lines})
