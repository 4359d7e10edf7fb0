"""Groups of gateways: the installation's, so unbounded users make and change them."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from gateways import credentials, services
from gateways.groups import pages
from gateways.groups.forms import GroupForm, RotateForm
from gateways.models import GatewayGroup
from gateways.services import GroupRefused
from orgs.http import OrgRequest
from orgs.live import live
from orgs.permissions import signed_in

# What stands in the configuration of gateways too.
CONFIGURED = {"tags", "hash_algorithm", "redis_url"}
PRESENT = 12  # how much of a digest tells one secret from the next


@signed_in
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return live(request, "gateway_groups", "list", pages.group_list(request))


@signed_in
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    group = get_object_or_404(GatewayGroup, pk=id)
    return live(request, "gateway_groups", "detail", pages.group_page(request, group))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    form = GroupForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            group, secret = services.create_group(**form.settings())
        except GroupRefused as refused:
            form.refuse(refused)
        else:
            return _shown_once(request, group, secret, title=f"{group.name} is ready for its gateways")
    context = {"form": form, "page_title": "Create a group of gateways", "action": "Create the group"}
    return render(request, "gateway_groups/form.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    group = get_object_or_404(GatewayGroup, pk=id)
    form = GroupForm(request.POST if request.method == "POST" else None, group=group)
    context = {"form": form, "page_title": f"Edit {group.name}", "action": "Save", "group": group}
    if form.is_valid() and form.is_outdated:
        context["conflict"] = pages.conflict(group, form.differences(), reload_url=request.path)
    elif form.is_valid():
        typed = form.settings()
        try:
            saved = services.update_group(group=group, **typed)
        except GroupRefused as refused:
            form.refuse(refused)
        else:
            messages.success(request, f"{saved.name} is saved.")
            if CONFIGURED & typed.keys():
                messages.warning(request, "Its gateways are to be started anew, with the configuration as it is below.")
            return redirect("gateway_groups:detail", id=group.pk)
    return render(request, "gateway_groups/form.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: OrgRequest, id: str) -> HttpResponse:
    group = get_object_or_404(GatewayGroup, pk=id)
    form = RotateForm(request.POST if request.method == "POST" else None, initial={"present": group.digest[:PRESENT]})
    if form.is_valid():
        if form.cleaned_data["present"] != group.digest[:PRESENT]:
            messages.warning(request, "The secret was rotated meanwhile: nothing has been done now.")
            return redirect("gateway_groups:detail", id=group.pk)
        group, secret = services.rotate_secret(group=group, grace=form.cleaned_data["grace"])
        return _shown_once(request, group, secret, title=f"The new node secret of {group.name}")
    stops = ["The present secret, when you choose here: a gateway that still has it then is refused."]
    if credentials.has_previous(group):
        stops.append("The one before it, which works still, at once.")
    return _confirm(
        request,
        group,
        title="Rotate the node secret",
        stops=stops,
        undo="No: the present secret does not come back once it has stopped.",
        action_label="Make a new secret",
        form=form,
    )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def retire(request: OrgRequest, id: str) -> HttpResponse:
    group = get_object_or_404(GatewayGroup, pk=id)
    if request.method == "POST":
        services.retire_previous(group=group)
        messages.success(request, "Only the newest node secret works now.")
        return redirect("gateway_groups:detail", id=group.pk)
    return _confirm(
        request,
        group,
        title="Retire the previous node secret now",
        stops=["The previous secret, at once: a gateway that still has it is refused."],
        undo="No.",
        action_label="Retire it now",
    )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    group = get_object_or_404(GatewayGroup, pk=id)
    confirm = pages.of_deleting(group, cancel_url=f"{request.site.prefix}/gateways/{group.pk}/")
    if request.method == "POST":
        if pages.one_line(request.POST.get("confirm_name", "")) == confirm["name_to_type"]:
            services.delete_group(group=group)
            messages.success(request, f"{group.name} is deleted.")
            return redirect("gateway_groups:list")
        confirm["error"] = "That is not its name."
    return _render_confirm(request, group, confirm)


def _confirm(request: OrgRequest, group: GatewayGroup, **confirm: Any) -> HttpResponse:
    notices = ["Whoever runs its gateways: each needs the newest secret, and is started anew to read it."]
    here = f"{request.site.prefix}/gateways/{group.pk}/"
    return _render_confirm(request, group, confirm | {"notices": notices, "cancel_url": here})


def _render_confirm(request: OrgRequest, group: GatewayGroup, confirm: dict[str, Any]) -> HttpResponse:
    context = {"group": group, "page_title": confirm["title"], "confirm": confirm}
    return render(request, "gateway_groups/confirm.html", context)


def _shown_once(request: OrgRequest, group: GatewayGroup, secret: str, *, title: str) -> HttpResponse:
    """Answer with the secret itself: no page that follows has it."""
    shown = {
        "title": title,
        "text": "Give it to the group's gateways as node_secret now: it cannot be shown again.",
        "label": "Node secret",
        "value": secret,
        "done_url": f"{request.site.prefix}/gateways/{group.pk}/",
    }
    return render(request, "gateway_groups/secret.html", {"group": group, "page_title": title, "secret": shown})
