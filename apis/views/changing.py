"""Creating, editing, switching and deleting an API."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apis import consequences, pages, services
from apis import definition as definitions
from apis.conflicts import Difference, conflict, differences
from apis.forms import ApiForm, DefinitionForm, retype
from apis.models import Api
from apis.services import ChangedMeanwhile
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, require


@require(ObjectKind.APIS, Level.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    form = ApiForm(request.POST or None, slug=request.organisation.slug)
    if form.is_valid():
        try:
            api = services.create_api(definition=definitions.build(**form.basics()))
        except services.REFUSALS as error:
            form.refuse(error)
        else:
            return saved_answer(request, api, "created")
    return render(request, "apis/create.html", {"form": form})


@require(ObjectKind.APIS, Level.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    if api.is_oas:
        return redirect("apis:edit_openapi", id=api.pk)
    current = definitions.parse(api.definition)
    form = ApiForm(request.POST or None, slug=request.organisation.slug, current=current, revision=api.revision)
    context: dict[str, Any] = {"form": form, "api": api}
    if form.is_valid():
        changed = definitions.change(current, **form.basics())
        try:
            saved = services.update_api(api=api, definition=changed, revision=form.cleaned_data["revision"])
        except services.REFUSALS as error:
            form.refuse(error)
        except ChangedMeanwhile as error:
            context["conflict"] = _conflict(request, form, error, form.differences(error.saved))
        else:
            return saved_answer(request, saved, "saved")
    return render(request, "apis/edit.html", context)


@require(ObjectKind.APIS, Level.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_definition(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    if api.is_oas:
        return redirect("apis:edit_openapi", id=api.pk)
    form = DefinitionForm(request.POST or None, api=api)
    context: dict[str, Any] = {"form": form, "api": api}
    if form.is_valid():
        typed = form.cleaned_data["definition"]
        try:
            saved = services.update_api(api=api, definition=typed, revision=form.cleaned_data["revision"])
        except services.REFUSALS as error:
            form.add_error("definition", str(error))
        except ChangedMeanwhile as error:
            theirs = differences(definitions.parse(error.saved.definition), typed)
            context |= {
                "conflict": _conflict(request, form, error, theirs),
                "theirs": pages.pretty(error.saved),
            }
        else:
            return saved_answer(request, saved, "saved")
    return render(request, "apis/edit_definition.html", context)


@require(ObjectKind.APIS, Level.WRITE)
@require_POST
def activate(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    try:
        services.set_active(api=api, is_active=True)
    except services.REFUSALS as error:
        messages.error(request, f"{api.name} cannot be activated: {error}")
    else:
        messages.success(request, f"{api.name} is active: gateways serve it.")
    return redirect("apis:detail", id=api.pk)


@require(ObjectKind.APIS, Level.WRITE)
@require_POST
def deactivate(request: OrgRequest, id: str) -> HttpResponse:
    api = pages.find_api(id)
    services.set_active(api=api, is_active=False)
    messages.success(request, f"{api.name} is inactive: gateways serve it no more.")
    return redirect("apis:detail", id=api.pk)


@require(ObjectKind.APIS, Level.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str, above: Callable[[Api], list[str]] | None = None) -> HttpResponse:
    """`above` says what stops of what lies above the APIs, which they do not know."""
    api = pages.find_api(id)
    confirm = consequences.of_deleting(api, cancel_url=reverse("apis:detail", kwargs={"id": api.pk}))
    confirm["stops"] += above(api) if above else []
    if request.method == "POST":
        if consequences.is_name_of(api, request.POST.get("confirm_name", "")):
            try:
                services.delete_api(api=api)
            except services.NamedAsVersion as error:
                confirm["error"] = str(error)
            else:
                messages.success(request, f"{api.name} is deleted.")
                return redirect("apis:list")
        else:
            confirm["error"] = "That is not its name."
    return render(request, "apis/delete.html", {"api": api, "confirm": confirm})


def saved_answer(request: OrgRequest, api: Api, how: str) -> HttpResponse:
    messages.success(request, f"{api.name} is {how}.")
    return redirect("apis:detail", id=api.pk)


def _conflict(
    request: OrgRequest,
    form: ApiForm | DefinitionForm,
    error: ChangedMeanwhile,
    fields: list[Difference],
) -> dict[str, Any]:
    """Let the form that is shown again go on from what is saved now."""
    retype(form, revision=error.saved.revision)
    return conflict(error, fields=fields, reload_url=request.path)
