"""The webhooks of an organisation: listed, created, edited and deleted."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apis.models import Webhook
from apis.webhooks import services
from apis.webhooks.checking import WebhookError, without_path
from apis.webhooks.forms import WebhookForm, initial_of
from orgs import paging
from orgs.display import when_of
from orgs.http import OrgRequest
from orgs.listing import Column, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may, require

READ = require(ObjectKind.WEBHOOKS, Level.READ)
WRITE = require(ObjectKind.WEBHOOKS, Level.WRITE)
COLUMNS = (
    Column("Name"),
    Column("Target"),
    Column("Headers"),
    Column("Created", "oldest", "newest"),
)
SORTS = {"newest": Sort("-created_at", is_moment=True), "oldest": Sort("created_at", is_moment=True)}
FIELDS = ("id", "name", "method", "target_url", "headers", "created")


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    name, sort = paging.sort_of(request.GET, SORTS)
    webhooks = Webhook.objects.annotate(created=when_of("created_at"))
    page = paging.page(webhooks, query=request.GET, sort=sort, fields=FIELDS)
    may_write = may(request, ObjectKind.WEBHOOKS, Level.WRITE)
    empty = {
        "icon": "activity",
        "title": "No webhooks yet",
        "text": "Gateways call a webhook when an event of an API happens, such as a quota that is used up.",
    }
    prefix = f"{request.site.prefix}/webhooks/"
    if may_write:
        empty |= {"action_url": f"{prefix}create/", "action_label": "Create a webhook"}
    context = listing(request, page, label="Webhooks", columns=COLUMNS, sort=name, empty=empty)
    rows = [_row(prefix, *values) for values in page.rows]
    return render(request, "webhooks/list.html", context | {"rows": rows, "may_write": may_write})


def _row(
    prefix: str, id: str, name: str, method: str, target: str, headers: dict[str, str], created: str
) -> tuple[str, ...]:
    return f"{prefix}{id}/edit/", name, method, without_path(target), ", ".join(headers), created


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            webhook = services.create_webhook(**form.fields_typed())
        except WebhookError as refused:
            form.add_error(refused.field, str(refused))
        else:
            return _saved(request, webhook, "created")
    return _form(request, form, page_title="Create a webhook", action="Create the webhook")


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    webhook = get_object_or_404(Webhook, pk=id)
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=initial_of(webhook))
    if form.is_valid():
        try:
            services.update_webhook(webhook=webhook, **form.fields_typed())
        except WebhookError as refused:
            form.add_error(refused.field, str(refused))
        else:
            return _saved(request, webhook, "saved")
    return _form(request, form, page_title=f"Edit {webhook.name}", action="Save", webhook=webhook)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    webhook = get_object_or_404(Webhook, pk=id)
    if request.method == "POST":
        services.delete_webhook(webhook=webhook)
        messages.success(request, f"{webhook.name} is deleted.")
        return redirect("webhooks:list")
    confirm = {
        "title": f"Delete {webhook.name}?",
        "stops": ["APIs can choose it no more for their events."],
        "notices": [f"Whoever waits for events at {without_path(webhook.target_url)}."],
        "undo": "No. Its headers go with it.",
        "action_label": "Delete the webhook",
        "cancel_url": "../edit/",
    }
    return render(request, "webhooks/delete.html", {"page_title": f"Delete {webhook.name}", "confirm": confirm})


def _saved(request: OrgRequest, webhook: Webhook, how: str) -> HttpResponse:
    messages.success(request, f"{webhook.name} is {how}.")
    return redirect("webhooks:list")


def _form(request: OrgRequest, form: WebhookForm, **context: Any) -> HttpResponse:
    return render(request, "webhooks/form.html", {"form": form, **context})
