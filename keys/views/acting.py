"""What ends or replaces a key, each after a page that says what stops."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from keys import pages, services
from keys.errors import ChangedMeanwhile, KeyRefused
from keys.forms import RotateForm
from keys.models import Key
from keys.views.filling import shown_once
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, require

WRITE = require(ObjectKind.KEYS, Level.WRITE)


@WRITE
@require_safe
def danger(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    return render(request, "keys/danger.html", pages.page(request, key, "Danger"))


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    form = RotateForm(request.POST or None, initial={"revision": key.revision})
    if form.is_valid():
        try:
            key, token = services.rotate_key(key=key, **form.cleaned_data)
        except ChangedMeanwhile:
            messages.warning(request, f"{key.alias} was changed or rotated meanwhile: nothing has been done now.")
            return redirect("keys:detail", id=key.pk)
        except KeyRefused as refused:
            return _refused(request, key, refused)
        return shown_once(request, key, token, title=f"The new secret of {key.alias}")
    stops = [f"The present secret, {key.masked}, when you choose here."]
    if pair := pages.page(request, key, "")["pair"]:
        stops.append(f"The one before it, {pair['previous']}, which works until {pair['until']}, at once.")
    return _confirm(
        request,
        key,
        title="Rotate the secret",
        stops=stops,
        undo="No: the present secret does not come back once it has stopped.",
        action_label="Make a new secret",
        form=form,
    )


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def retire(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    if request.method == "POST":
        return _done(request, key, services.retire_previous, "Only the newest secret works now.")
    return _confirm(
        request,
        key,
        title="Retire the previous secret now",
        stops=[f"The previous secret {key.previous_masked or '(there is none)'} of {key.alias}, at once."],
        undo="No.",
        action_label="Retire it now",
    )


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def disable(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    if request.method == "POST":
        return _done(request, key, services.disable_key, f"{key.alias} is disabled.")
    return _confirm(
        request,
        key,
        title=f"Disable {key.alias}",
        stops=pages.what_stops(key),
        undo="Yes: enable it again at any time, with the same secret.",
        action_label="Disable the key",
    )


@WRITE
@require_POST
def enable(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    return _done(request, key, services.enable_key, f"{key.alias} is enabled.")


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    is_sent = request.method == "POST"
    if is_sent and request.POST.get("confirm_name", "").strip() == key.alias:
        return _done(request, key, services.revoke_key, f"{key.alias} is revoked: it opens nothing any more.")
    return _confirm(
        request,
        key,
        title=f"Revoke {key.alias}",
        stops=pages.what_stops(key),
        undo="No: a revoked key stays in the list and never works again.",
        action_label="Revoke for good",
        name_to_type=key.alias,
        error="This is not the alias of the key." if is_sent else "",
    )


def _done(request: OrgRequest, key: Key, service: Any, sentence: str) -> HttpResponse:
    try:
        service(key=key)
    except KeyRefused as refused:
        return _refused(request, key, refused)
    messages.success(request, sentence)
    return redirect("keys:detail", id=key.pk)


def _refused(request: OrgRequest, key: Key, refused: KeyRefused) -> HttpResponse:
    messages.error(request, str(refused))
    return redirect("keys:detail", id=key.pk)


def _confirm(request: OrgRequest, key: Key, **confirm: Any) -> HttpResponse:
    here = pages.address(request, key)
    confirm |= {"notices": pages.who_notices(), "cancel_url": f"{here}danger/"}
    context = {"key": key, "here": here, "page_title": confirm["title"], "confirm": confirm}
    return render(request, "keys/confirm.html", context)
