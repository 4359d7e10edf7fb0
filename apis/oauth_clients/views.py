"""The OAuth clients of an API: a tab of its page, and what is done to one of them."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apis import pages
from apis.models import Api, OAuthClient
from apis.oauth_clients import services
from apis.oauth_clients.checking import OAuthClientError
from apis.oauth_clients.forms import CreateForm, EditForm
from orgs import paging
from orgs.display import when_of
from orgs.http import OrgRequest
from orgs.listing import Column, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may, require

READ = require(ObjectKind.OAUTH_CLIENTS, Level.READ)
WRITE = require(ObjectKind.OAUTH_CLIENTS, Level.WRITE)
COLUMNS = (
    Column("Description"),
    Column("Client ID"),
    Column("Redirect URI"),
    Column("Created", "oldest", "newest"),
)
SORTS = {"newest": Sort("-created_at", is_moment=True), "oldest": Sort("created_at", is_moment=True)}
FIELDS = ("id", "description", "client_id", "redirect_uri", "created")


@READ
@require_safe
def index(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    name, sort = paging.sort_of(request.GET, SORTS)
    clients = api.oauth_clients.annotate(created=when_of("created_at"))
    page = paging.page(clients, query=request.GET, sort=sort, fields=FIELDS)
    may_create = may(request, ObjectKind.OAUTH_CLIENTS, Level.WRITE) and services.takes_clients(api)
    empty = {"icon": "apps", "title": "No OAuth clients yet", "text": _why_none(api)}
    if may_create:
        empty |= {"action_url": "create/", "action_label": "Create an OAuth client"}
    context = listing(request, page, label="OAuth clients", columns=COLUMNS, sort=name, empty=empty)
    prefix = f"{request.site.prefix}/oauth-clients/"
    context |= {
        "rows": [(f"{prefix}{values[0]}/edit/", values[1] or "unnamed", *values[2:]) for values in page.rows],
        "may_create": may_create,
        "may_change": may(request, ObjectKind.OAUTH_CLIENTS, Level.WRITE),
    }
    return render(request, "oauth_clients/list.html", context | pages.page(request, api, "oauth_clients"))


def _why_none(api: Api) -> str:
    if services.takes_clients(api):
        return "An application that has one gets tokens for this API from gateways."
    return "This API does not use OAuth 2.0."


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    form = CreateForm(request.POST if request.method == "POST" else None, api=api)
    if form.is_valid():
        try:
            client, secret = services.create_oauth_client(api=api, **form.cleaned_data)
        except OAuthClientError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            return _shown_once(request, client, secret, title=f"{client} is ready")
    context = {"form": form, "page_title": "Create an OAuth client", "action": "Create the OAuth client"}
    return render(request, "oauth_clients/form.html", _below(api) | context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    client = _find(id)
    form = EditForm(request.POST if request.method == "POST" else None, api=client.api, client=client)
    if form.is_valid():
        try:
            services.update_oauth_client(client=client, **form.cleaned_data)
        except OAuthClientError as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, "The OAuth client is saved.")
            return redirect("apis:oauth_clients", id=client.api_id)
    context = {"form": form, "page_title": f"Edit {client}", "action": "Save", "client": client}
    return render(request, "oauth_clients/form.html", _below(client.api) | context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: OrgRequest, id: str) -> HttpResponse:
    client = _find(id)
    if request.method == "POST":
        client, secret = services.rotate_secret(client=client)
        return _shown_once(request, client, secret, title=f"The new secret of {client}")
    return _confirm(
        request,
        client,
        title=f"Make a new secret for {client}?",
        stops=["The present secret, at once: no more tokens are given for it."],
        undo="No.",
        action_label="Make a new secret",
    )


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    client = _find(id)
    if request.method == "POST":
        services.delete_oauth_client(client=client)
        messages.success(request, f"{client} is deleted.")
        return redirect("apis:oauth_clients", id=client.api_id)
    return _confirm(
        request,
        client,
        title=f"Delete {client}?",
        stops=[f"The application with the client ID {client.client_id} gets no more tokens for {client.api.name}."],
        undo="No: a client with the same ID would have another secret.",
        action_label="Delete the OAuth client",
    )


def _find(id: str) -> OAuthClient:
    return get_object_or_404(OAuthClient.objects.select_related("api").defer("api__openapi"), pk=id)


def _below(api: Api) -> dict[str, Any]:
    """Return where the pages of a client lead back to."""
    return {"api": api, "clients_url": reverse("apis:oauth_clients", kwargs={"id": api.pk})}


def _shown_once(request: OrgRequest, client: OAuthClient, secret: str, *, title: str) -> HttpResponse:
    """Answer with the secret itself: nowhere is it kept for a page that would follow."""
    below = _below(client.api)
    shown = {
        "title": "This secret is shown once",
        "text": f"It goes with the client ID {client.client_id}. Store it now: it cannot be shown again.",
        "label": "Client secret",
        "value": secret,
        "done_url": below["clients_url"],
    }
    return render(request, "oauth_clients/secret.html", below | {"page_title": title, "secret": shown})


def _confirm(request: OrgRequest, client: OAuthClient, **confirm: Any) -> HttpResponse:
    below = _below(client.api)
    context = {"page_title": confirm["title"], "confirm": confirm | {"cancel_url": "../edit/"}}
    return render(request, "oauth_clients/confirm.html", below | context)
