"""The certificates of an organisation: listed, shown, added and deleted. A private key is never shown."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apis.certificates import services
from apis.certificates.forms import CertificateForm
from apis.certificates.lists import certificate_list, name_of
from apis.certificates.reading import CertificateError, state_at
from apis.forms import retype
from apis.models import Certificate
from orgs.display import when
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may, require

READ = require(ObjectKind.CERTIFICATES, Level.READ)
WRITE = require(ObjectKind.CERTIFICATES, Level.WRITE)


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    may_write = may(request, ObjectKind.CERTIFICATES, Level.WRITE)
    return render(request, "certificates/list.html", certificate_list(request, may_write=may_write))


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    certificate = get_object_or_404(Certificate, pk=id)
    context = {"facts": _facts(certificate), "may_write": may(request, ObjectKind.CERTIFICATES, Level.WRITE)}
    return render(request, "certificates/detail.html", _page(request, certificate) | context)


@READ
@require_safe
def download(request: OrgRequest, id: str) -> HttpResponse:
    certificate = get_object_or_404(Certificate, pk=id)
    headers = {"Content-Disposition": f'attachment; filename="{certificate.fingerprint[:12]}.pem"'}
    return HttpResponse(certificate.pem, content_type="application/x-pem-file", headers=headers)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: OrgRequest) -> HttpResponse:
    form = CertificateForm(request.POST, request.FILES) if request.method == "POST" else CertificateForm()
    if form.is_valid():
        try:
            certificate = services.add_certificate(pem=form.pem())
        except CertificateError as refused:
            form.add_error("file" if form.cleaned_data["file"] else "text", str(refused))
        else:
            messages.success(request, f"{_name(certificate)} is added.")
            return redirect("certificates:detail", id=certificate.pk)
    if form.is_bound:
        retype(form, text="")  # there may be a private key in it
    return render(request, "certificates/add.html", {"page_title": "Add a certificate", "form": form})


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    certificate = get_object_or_404(Certificate, pk=id)
    if request.method == "POST":
        try:
            services.delete_certificate(certificate=certificate)
        except CertificateError as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, f"{_name(certificate)} is deleted.")
            return redirect("certificates:list")
    return render(request, "certificates/delete.html", _page(request, certificate) | {"confirm": _confirm(certificate)})


def _page(request: OrgRequest, certificate: Certificate) -> dict[str, Any]:
    """Return what the pages of one certificate have in common. Without permission a name is no link."""
    uses = services.uses_of(certificate)
    apis, keys = (
        f"{request.site.prefix}/{kind}/" if may(request, kind, Level.READ) else ""
        for kind in (ObjectKind.APIS, ObjectKind.KEYS)
    )
    return {
        "certificate": certificate,
        "page_title": _name(certificate),
        "uses": [("API", name, apis and f"{apis}{pk}/") for pk, name in uses.apis]
        + [("Key", name, keys and f"{keys}{pk}/") for pk, name in uses.keys],
    }


def _name(certificate: Certificate) -> str:
    return name_of(certificate.subject, certificate.dns_names, certificate.fingerprint)


def _facts(certificate: Certificate) -> list[dict[str, Any]]:
    not_before, not_after = certificate.not_before, certificate.not_after
    state, label = state_at(timezone.now(), not_before=not_before, not_after=not_after)
    facts: list[dict[str, Any]] = [{"label": "State", "value": label, "state": state}]
    if not_after:
        chain = certificate.pem.count("BEGIN CERTIFICATE")
        facts += [
            {"label": "Subject", "value": certificate.subject},
            {"label": "DNS names", "value": ", ".join(certificate.dns_names)},
            {"label": "Issuer", "value": certificate.issuer},
            {"label": "Valid from", "value": when(not_before)},
            {"label": "Expires", "value": when(not_after)},
            {"label": "Chain", "value": f"{chain} certificate{'' if chain == 1 else 's'}"},
            {"label": "Private key", "value": "kept, encrypted" if certificate.sealed else "none"},
        ]
    facts.append({"label": "SHA-256", "value": certificate.fingerprint, "is_code": True})
    return [*facts, {"label": "Added", "value": when(certificate.created_at)}]


def _confirm(certificate: Certificate) -> dict[str, Any]:
    key = " and its private key" if certificate.sealed else ""
    return {
        "title": f"Delete {_name(certificate)}?",
        "stops": [f"APIs and keys can name it no more. The certificate{key} is removed; nothing names it at present."],
        "undo": "By adding it again from your own file, which gives it the same ID.",
        "action_label": "Delete the certificate",
        "cancel_url": "../",
    }
