"""A developer's applications, and their requests for keys."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from keys.states import state_of
from orgs.display import when
from portal import catalogue, entry_page
from portal.addresses import places_of
from portal.http import DeveloperRequest, developers
from portal.models import Application, KeyRequest, Plan
from portal.services import applications as service
from portal.services import attempts, requests
from portal.site.catalogue import find_entry
from portal.site.forms import ApplicationForm, RequestForm
from portal.site.frame import confirm_page, show
from portal.site.keys import lines_of, own_request, shown_once
from users.services.errors import Refused

MOST_REQUESTS = 100


def own_applications(request: DeveloperRequest) -> "QuerySet[Application]":
    return Application.objects.filter(developer=request.developer)


@developers
@require_safe
def index(request: DeveloperRequest) -> HttpResponse:
    works, waits = Q(requests__key__revoked_at=None, requests__key__isnull=False), Q(requests__state=KeyRequest.PENDING)
    rows = own_applications(request).annotate(
        keys=Count("requests", filter=works, distinct=True), waiting=Count("requests", filter=waits, distinct=True)
    )
    return show(request, "portal/applications.html", page_title="My applications", applications=list(rows))


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: DeveloperRequest) -> HttpResponse:
    form = ApplicationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = service.create_application(developer=request.developer, **form.cleaned_data)
            return redirect("portal:application", id=made.pk)
        except Refused as refused:
            form.add_error("name", str(refused))
    cancel_url = reverse("portal:applications")
    title = "A new application"
    return show(request, "portal/form.html", page_title=title, form=form, action="Create it", cancel_url=cancel_url)


@developers
@require_safe
def detail(request: DeveloperRequest, id: str) -> HttpResponse:
    application = get_object_or_404(own_applications(request), pk=id)
    asked = application.requests.select_related("key").order_by("-created_at", "-id")
    approved, others = asked.filter(state=KeyRequest.APPROVED), asked.exclude(state=KeyRequest.APPROVED)
    return show(
        request,
        "portal/application.html",
        page_title=application.name,
        application=application,
        keys=[_key_row(one) for one in approved],
        requests=[_request_row(one) for one in others[:MOST_REQUESTS]],
    )


def _key_row(asked: KeyRequest) -> dict[str, Any]:
    row: dict[str, Any] = {"name": asked.entry_title, "plan": asked.plan_name, "created": when(asked.decided_at)}
    if asked.key is None:
        lost = asked.policy_id is None
        return row | {
            "state": "revoked" if lost else "waiting",
            "state_label": "gone: ask for another plan" if lost else "ready to be taken",
            "take_url": "" if lost else reverse("portal:take_key", args=[asked.pk]),
            "reason": asked.reason,
        }
    state = state_of(asked.key, now=timezone.now())
    return row | {
        "state": state,
        "state_label": state,
        "masked": asked.key.masked,
        "expires": when(asked.key.expires_at),
        "href": reverse("portal:key", args=[asked.pk]),
    }


def _request_row(asked: KeyRequest) -> dict[str, Any]:
    return {
        "name": asked.entry_title,
        "plan": asked.plan_name,
        "state": {KeyRequest.PENDING: "waiting", KeyRequest.REFUSED: "revoked"}.get(asked.state, "off"),
        "state_label": asked.get_state_display().lower(),
        "asked": when(asked.created_at),
        "reason": asked.reason,
        "withdraw_url": reverse("portal:withdraw", args=[asked.pk]) if asked.state == KeyRequest.PENDING else "",
    }


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: DeveloperRequest, id: str) -> HttpResponse:
    application = get_object_or_404(own_applications(request), pk=id)
    initial = {"name": application.name, "description": application.description}
    form = ApplicationForm(request.POST or None, initial=initial)
    here = reverse("portal:application", args=[id])
    if request.method == "POST" and form.is_valid():
        try:
            service.update_application(application=application, **form.cleaned_data)
            messages.success(request, f"{application.name} is saved.")
            return redirect(here)
        except Refused as refused:
            form.add_error("name", str(refused))
    title = f"Edit {initial['name']}"
    return show(request, "portal/form.html", page_title=title, form=form, action="Save", cancel_url=here)


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: DeveloperRequest, id: str) -> HttpResponse:
    application = get_object_or_404(own_applications(request), pk=id)
    if request.method == "POST":
        service.delete_application(application=application)
        messages.success(request, f"{application.name} is deleted.")
        return redirect("portal:applications")
    keys = lines_of(service.keys_of(application=application))
    confirm = {
        "title": f"Delete {application.name}?",
        "stops": keys or ["Nothing: it has no key that works."],
        "undo": "No: its keys are revoked for good.",
        "action_label": "Delete the application",
        "cancel_url": reverse("portal:application", args=[id]),
    }
    return confirm_page(request, confirm)


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: DeveloperRequest, slug: str, id: str) -> HttpResponse:
    """Ask for a key by a plan of an entry that this developer sees."""
    entry = find_entry(request, slug)
    plan = get_object_or_404(catalogue.plans_of([entry]).select_related("policy", "entry"), pk=id)
    is_automatic = plan.approval == Plan.AUTOMATIC
    form = RequestForm(request.POST or None, applications=own_applications(request), is_automatic=is_automatic)
    if request.method == "POST" and form.is_valid():
        try:
            return _asked(request, plan, form)
        except Refused as refused:
            form.add_error(None, str(refused))
    return show(
        request,
        "portal/ask.html",
        page_title=f"A key for {entry.title}",
        form=form,
        plan=plan,
        limits=entry_page.limits(plan),
        is_automatic=is_automatic,
        entry_url=reverse("portal:entry", args=[slug]),
        entry_title=entry.title,
    )


@transaction.atomic
def _asked(request: DeveloperRequest, plan: Plan, form: RequestForm) -> HttpResponse:
    """Where the key is given at once, this is the one page that has its secret."""
    if name := form.cleaned_data["new_application"]:
        application = service.create_application(developer=request.developer, name=name)
    else:
        application = form.cleaned_data["application"]
    purpose = form.cleaned_data.get("purpose", "")
    attempts.note_request(developer=request.developer)
    asked = requests.ask(places=places_of(request), application=application, plan=plan, purpose=purpose)
    if asked.state == KeyRequest.APPROVED:
        key, token = requests.take_key(asked=asked)
        return shown_once(request, asked, key, token)
    messages.success(request, "You have asked for a key. You get a mail when it is decided.")
    return redirect("portal:application", id=application.pk)


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: DeveloperRequest, id: str) -> HttpResponse:
    asked = own_request(request, id)
    here = reverse("portal:application", args=[asked.application_id])
    if request.method == "POST":
        try:
            requests.withdraw(asked=asked)
            messages.success(request, "The request is withdrawn.")
        except Refused as refused:
            messages.error(request, str(refused))
        return redirect(here)
    confirm = {
        "title": f"Withdraw the request for {asked.plan_name} of {asked.entry_title}?",
        "undo": "Yes: you can ask again.",
        "action_label": "Withdraw it",
        "cancel_url": here,
    }
    return confirm_page(request, confirm)
