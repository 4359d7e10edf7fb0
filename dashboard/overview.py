"""`/all/`: every organisation in one table. An unbounded user reads them, and may suspend one."""

from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import overview_table as table
from dashboard import suspension
from dashboard.overview_search import MOST, everywhere, pasted_key
from keys.finding import is_token
from orgs.http import OrgRequest
from orgs.models import Organisation
from orgs.permissions import signed_in

LONGEST = 200


class SuspendForm(forms.Form):
    reason = forms.CharField(
        max_length=200, help_text="Its users read this when they sign in, for example: invoice 17 is overdue."
    )


@signed_in
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return render(request, "overview/list.html", table.page(request))


@signed_in
@require_safe
def export(request: OrgRequest) -> HttpResponse:
    return table.csv(request)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: OrgRequest) -> HttpResponse:
    """The form posts, so that a pasted key is in no address: those are written to logs and histories."""
    text = (request.POST or request.GET).get("q", "").replace("\0", "").strip()
    if request.method == "POST" and not is_token(text):
        return redirect(f"{reverse('search')}?{urlencode({'q': text[:LONGEST]})}")
    if is_token(text):
        context = {"kinds": pasted_key(text), "asked": "the key that you pasted", "q": ""}
    else:
        context = {"kinds": everywhere(text) if text else [], "asked": f"“{text}”" if text else "", "q": text}
    return render(request, "overview/search.html", context | {"page_title": "Search", "most": MOST})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def suspend(request: OrgRequest, id: str) -> HttpResponse:
    organisation = get_object_or_404(Organisation, pk=id)
    form = SuspendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        suspension.suspend(organisation=organisation, reason=form.cleaned_data["reason"])
        messages.success(request, f"{organisation.name} is suspended.")
        return redirect("home")
    confirm = {
        "title": f"Suspend {organisation.name}",
        "stops": [
            "Nobody can sign in: who tries is shown the reason that you give here.",
            "Who is signed in can read, and change nothing.",
            "Its APIs leave the gateways within seconds: whoever calls one is answered that there is nothing.",
        ],
        "notices": [f"Every user of {organisation.name}, and everybody who calls its APIs."],
        "undo": "Yes: resume it in the list of organisations.",
        "form": form,
        "action_label": "Suspend",
        "cancel_url": reverse("home"),
    }
    return render(request, "overview/confirm.html", {"page_title": confirm["title"], "confirm": confirm})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: OrgRequest, id: str) -> HttpResponse:
    organisation = get_object_or_404(Organisation, pk=id)
    if request.method == "POST":
        suspension.resume(organisation=organisation)
        messages.success(request, f"{organisation.name} works again.")
        return redirect("home")
    confirm = {
        "title": f"Resume {organisation.name}",
        "stops": [
            f"The suspension, whose reason is: {organisation.suspension_reason}",
            "Its users can sign in and change things again, and gateways serve its APIs.",
        ],
        "undo": "Yes: suspend it again.",
        "action_label": "Resume",
        "cancel_url": reverse("home"),
    }
    return render(request, "overview/confirm.html", {"page_title": confirm["title"], "confirm": confirm})
