"""The registry of segment tags, for unbounded users: which tag is whose."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apis.models import SegmentTag
from gateways.tags import services
from gateways.tags.consequences import effects, groups_with
from gateways.tags.forms import TagForm
from gateways.tags.lists import page
from gateways.tags.services import TagRefused
from gateways.tags.telling import Entry
from orgs.http import OrgRequest
from orgs.permissions import signed_in


@signed_in
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return render(request, "tags/list.html", page(request))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    return _edit(request, None)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    return _edit(request, get_object_or_404(SegmentTag, pk=id))


def _edit(request: OrgRequest, tag: SegmentTag | None) -> HttpResponse:
    form = TagForm(request.POST or None, initial=_initial(tag) if tag else None)
    context: dict[str, Any] = {"form": form, "tag": tag}
    if form.is_valid():
        found = effects(Entry.of(tag) if tag else None, form.entry())
        if found.stops and not form.cleaned_data["is_known"]:
            return render(request, "tags/form.html", context | {"effects": found})
        try:
            saved = _save(tag, form.entry())
        except TagRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"The tag {saved.name} is {'saved' if tag else 'registered'}.")
            return redirect("tags:list")
    return render(request, "tags/form.html", context)


def _save(tag: SegmentTag | None, entry: Entry) -> SegmentTag:
    values: dict[str, Any] = {"name": entry.name, "owner_id": entry.owner_id, "is_automatic": entry.is_automatic}
    return services.update_tag(tag=tag, **values) if tag else services.create_tag(**values)


def _initial(tag: SegmentTag) -> dict[str, Any]:
    owner = services.owner_of(tag)
    return {"name": tag.name, "owner": owner.slug if owner else "", "is_automatic": tag.is_automatic}


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    tag = get_object_or_404(SegmentTag, pk=id)
    if request.method == "POST":
        try:
            services.delete_tag(tag=tag)
        except TagRefused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, f"The tag {tag.name} is no longer registered.")
        return redirect("tags:list")
    return render(request, "tags/delete.html", {"tag": tag, "confirm": _confirm(tag)})


def _confirm(tag: SegmentTag) -> dict[str, Any]:
    found, groups = effects(Entry.of(tag), None), groups_with(tag.name)
    owner = services.owner_of(tag)
    stops = [f"That the tag {tag.name} is {f'of {owner.name} alone' if owner else 'shared'}: every API may have it."]
    loading = f"Gateways of {', '.join(groups)} load by it. " if groups else ""
    return {
        "title": f"Delete the tag {tag.name}",
        "stops": [*stops, *found.stops],
        "notices": [*found.begins, f"{loading}APIs that carry it keep it."],
        "undo": "Yes: register it again.",
        "action_label": "Delete the tag",
        "cancel_url": reverse("tags:list"),
    }
