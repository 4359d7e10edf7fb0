"""The organisation's settings and its audit trail."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orgs import services, trail_list
from orgs.export import csv_response
from orgs.forms import SettingsForm
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, check, may, public, require
from orgs.services import OrganisationRefused
from orgs.sites import Kind


@require(ObjectKind.SYSTEM, Level.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: OrgRequest) -> HttpResponse:
    organisation = request.organisation
    initial = {field: getattr(organisation, field) for field in services.SETTINGS}
    form = SettingsForm(request.POST or None, initial=initial)
    if request.method == "POST":
        check(request, ObjectKind.SYSTEM, Level.WRITE)
        if form.is_valid():
            try:
                services.update_organisation(organisation=organisation, **form.cleaned_data)
                messages.success(request, "The settings are saved.")
                return redirect("orgs:settings")
            except OrganisationRefused as refused:
                form.add_error(None, str(refused))
    facts = [{"label": form.fields[field].label or field.capitalize(), "value": initial[field]} for field in initial]
    can_write = may(request, ObjectKind.SYSTEM, Level.WRITE)
    context = {"page_title": "Settings", "form": form, "facts": facts, "can_write": can_write}
    return render(request, "orgs/settings.html", context)


@require(ObjectKind.AUDIT, Level.READ)
@require_safe
def audit(request: OrgRequest) -> HttpResponse:
    return render(request, "orgs/audit.html", trail_list.page(request))


@require(ObjectKind.AUDIT, Level.READ)
@require_safe
def audit_csv(request: OrgRequest) -> HttpResponse:
    return csv_response("audit-trail.csv", trail_list.CSV_HEADER, trail_list.csv_rows(request))


@public
@require_safe
def portal(request: OrgRequest) -> HttpResponse:
    """The portal is a site of its own, which begins behind the slash; on a visit there is none."""
    if request.site.kind != Kind.ORGANISATION:
        raise Http404
    return HttpResponseRedirect(f"{request.site.prefix}/portal/")
