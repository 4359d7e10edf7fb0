"""The alerts of an organisation: rules, what fired, and what was sent."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analytics.alerts import pages, previewing, services
from analytics.alerts.forms import RuleForm
from analytics.alerts.kinds import Kind
from analytics.alerts.models import AlertRule
from analytics.alerts.services import AlertError
from apis.webhooks.checking import without_path
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, require

READ = require(ObjectKind.ANALYTICS, Level.READ)
WRITE = require(ObjectKind.ANALYTICS, Level.WRITE)


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return render(request, "alerts/list.html", pages.rules(request))


@READ
@require_safe
def history(request: OrgRequest) -> HttpResponse:
    return render(request, "alerts/history.html", pages.history(request))


@READ
@require_safe
def deliveries(request: OrgRequest) -> HttpResponse:
    return render(request, "alerts/deliveries.html", pages.deliveries(request))


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    return render(request, "alerts/detail.html", pages.detail(request, _find(id)))


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    """First which kind, then its form."""
    chosen = request.GET.get("kind", "")
    if chosen not in Kind.values:
        context = {"page_title": "Create an alert", "kinds": pages.kinds(request)}
        return render(request, "alerts/kinds.html", context)
    form = RuleForm(request.POST if request.method == "POST" else None, kind=Kind(chosen))
    if form.is_valid() and "preview" not in request.POST:
        try:
            rule, secret = services.create_rule(**form.fields_typed())
        except AlertError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            return _saved(request, rule, secret, "created")
    return _form(request, form, None, action="Create the alert")


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    rule = _find(id)
    form = RuleForm(request.POST if request.method == "POST" else None, kind=Kind(rule.kind), rule=rule)
    if form.is_valid() and "preview" not in request.POST:
        try:
            rule, secret = services.update_rule(rule=rule, **form.fields_typed())
        except AlertError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            return _saved(request, rule, secret, "saved")
    return _form(request, form, rule, action="Save")


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    rule = _find(id)
    if request.method == "POST":
        services.delete_rule(rule=rule)
        messages.success(request, f"{rule.name} is deleted.")
        return redirect("alerts:list")
    return _confirm(
        request,
        rule,
        title=f"Delete {rule.name}?",
        stops=["Nobody is told of this any more, nor that what fires now is over. What waits to be sent is not sent."],
        notices=[f"It tells {pages.places_of(rule)}."],
        undo="No. Its history goes with it; switched off, it would keep that.",
        action_label="Delete the alert",
    )


@WRITE
@require_POST
def silence(request: OrgRequest, id: str) -> HttpResponse:
    rule, hours = _find(id), request.POST.get("hours", "")
    try:
        services.silence(rule=rule, hours=int(hours) if hours.isascii() and hours.isdigit() and len(hours) < 5 else -1)
    except AlertError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{rule.name} is silenced." if hours != "0" else f"{rule.name} tells again.")
    return redirect("alerts:detail", id=rule.pk)


@WRITE
@require_POST
def test(request: OrgRequest, id: str) -> HttpResponse:
    rule = _find(id)
    try:
        places = services.send_test(rule=rule)
    except AlertError as refused:
        messages.error(request, str(refused))
    else:
        word = "one place" if places == 1 else f"{places} places"
        messages.success(request, f"A test for {word} is queued: under Deliveries you see how it went.")
    return redirect("alerts:detail", id=rule.pk)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def secret(request: OrgRequest, id: str) -> HttpResponse:
    rule = _find(id)
    if request.method == "POST":
        try:
            rule, made = services.new_secret(rule=rule)
        except AlertError as refused:
            messages.error(request, str(refused))
            return redirect("alerts:detail", id=rule.pk)
        return _shown_once(request, rule, made)
    return _confirm(
        request,
        rule,
        title=f"Make a new secret for {rule.name}?",
        stops=["The present secret, at once: what is sent from now on is signed with the new one."],
        undo="No.",
        action_label="Make a new secret",
    )


def _find(id: str) -> AlertRule:
    return get_object_or_404(AlertRule, pk=id)


def _saved(request: OrgRequest, rule: AlertRule, secret: str, how: str) -> HttpResponse:
    messages.success(request, f"{rule.name} is {how}.")
    return _shown_once(request, rule, secret) if secret else redirect("alerts:detail", id=rule.pk)


def _form(request: OrgRequest, form: RuleForm, rule: AlertRule | None, *, action: str) -> HttpResponse:
    context = {
        "page_title": f"Edit {rule.name}" if rule else f"Create an alert: {form.kind.label}",
        "form": form,
        "rule": rule,
        "action": action,
        "preview": _preview(form, rule) if "preview" in request.POST else "",
    }
    return render(request, "alerts/form.html", context)


def _preview(form: RuleForm, rule: AlertRule | None) -> str:
    """Return what a preview says, or nothing where the form is not right; its faults are then the form's."""
    if not form.is_valid():
        return ""
    try:
        return previewing.preview(services.candidate(rule, **form.fields_typed()), now=timezone.now())
    except AlertError as refused:
        form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        return ""


def _shown_once(request: OrgRequest, rule: AlertRule, made: str) -> HttpResponse:
    """Answer with the secret itself: nowhere is it kept for a page that would follow."""
    shown = {
        "title": "This secret is shown once",
        "text": f"It signs what {without_path(rule.url)} is sent. Store it there now: it cannot be shown again.",
        "label": "Webhook secret",
        "value": made,
        "done_url": f"{request.site.prefix}/alerts/{rule.pk}/",
    }
    return render(request, "alerts/secret.html", {"page_title": f"The secret of {rule.name}", "secret": shown})


def _confirm(request: OrgRequest, rule: AlertRule, **confirm: Any) -> HttpResponse:
    context = {"page_title": confirm["title"], "rule": rule, "confirm": confirm | {"cancel_url": "../"}}
    return render(request, "alerts/confirm.html", context)
