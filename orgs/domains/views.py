"""The domains of an organisation: listed, claimed, looked up, changed and deleted."""

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs.domains import names, pages, services
from orgs.domains.forms import DomainForm, PurposeForm
from orgs.domains.services import DomainRefused
from orgs.http import OrgRequest
from orgs.live import live
from orgs.models import Domain
from orgs.permissions import Level, ObjectKind, require

READ = require(ObjectKind.SYSTEM, Level.READ)
WRITE = require(ObjectKind.SYSTEM, Level.WRITE)


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return render(request, "domains/list.html", pages.domains(request))


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    return live(request, "domains", "detail", pages.domain_page(request, _find(id)))


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: OrgRequest) -> HttpResponse:
    form = DomainForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            domain = services.claim_domain(**form.cleaned_data)
        except DomainRefused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            messages.success(request, f"{names.shown(domain.host)} is claimed. Prove now that it is yours.")
            return redirect("domains:detail", id=domain.pk)
    context = {"page_title": "Add a domain", "form": form, "action": "Add the domain"}
    return render(request, "domains/form.html", context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    domain = _find(id)
    form = PurposeForm(request.POST if request.method == "POST" else None, initial={"purpose": domain.purpose})
    if form.is_valid():
        try:
            services.change_purpose(domain=domain, purpose=form.cleaned_data["purpose"])
        except DomainRefused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            messages.success(request, f"{names.shown(domain.host)} is changed.")
            return redirect("domains:detail", id=domain.pk)
    host = names.shown(domain.host)
    context = {"page_title": f"Change {host}", "form": form, "action": "Save", "domain": domain, "host": host}
    return render(request, "domains/form.html", context)


@WRITE
@require_POST
def check_now(request: OrgRequest, id: str) -> HttpResponse:
    domain = _find(id)
    services.check_now(domain=domain)
    messages.success(request, f"The proof of {names.shown(domain.host)} is looked up now.")
    return redirect("domains:detail", id=domain.pk)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str, apis_at: Callable[[str], Sequence[str]]) -> HttpResponse:
    """`apis_at` names the APIs at a host: what knows of them lies above."""
    domain = _find(id)
    if request.method == "POST":
        services.delete_domain(domain=domain)
        messages.success(request, f"{names.shown(domain.host)} is deleted.")
        return redirect("domains:list")
    host = names.shown(domain.host)
    confirm = {
        "title": f"Delete {host}?",
        "stops": pages.stops(domain, apis_at(domain.host)),
        "undo": "It can be claimed again, with another record. Somebody else may prove it before you do.",
        "action_label": "Delete the domain",
        "cancel_url": "../",
    }
    context = {"page_title": f"Delete {host}", "confirm": confirm, "domain": domain, "host": host}
    return render(request, "domains/delete.html", context)


def _find(id: str) -> Domain:
    return get_object_or_404(Domain, pk=id)
