"""A developer's keys: taken once, looked at, rotated, given back."""

import shlex
from collections.abc import Iterable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from analytics.pages import use
from analytics.pages.subjects import hashes_of, number_of_key
from keys.errors import ChangedMeanwhile, KeyRefused
from keys.forms import RotateForm
from keys.models import Key
from keys.pages import curl
from keys.states import state_of
from orgs.display import when
from portal import catalogue, documents, entry_page
from portal.http import DeveloperRequest, developers
from portal.models import KeyRequest
from portal.services import applications as service
from portal.services import requests
from portal.site.frame import confirm_page, show
from users.services.errors import Refused


def own_request(request: DeveloperRequest, id: str) -> KeyRequest:
    own = KeyRequest.objects.filter(application__developer=request.developer)
    return get_object_or_404(own.select_related("key", "application", "plan__policy"), pk=id)


def own_key(request: DeveloperRequest, id: str) -> tuple[KeyRequest, Key]:
    asked = own_request(request, id)
    if asked.key is None:
        raise Http404
    return asked, asked.key


@developers
@require_safe
def detail(request: DeveloperRequest, id: str) -> HttpResponse:
    asked, key = own_key(request, id)
    now = timezone.now()
    values = [number_of_key(hash) for hash, _ in hashes_of(key)]
    is_paired = key.previous_until is not None and key.previous_until > now
    facts = [
        {"label": "Key", "value": key.masked, "is_code": True},
        {"label": "For", "value": f"{asked.entry_title}, {asked.plan_name}"},
        *({"label": label, "value": text} for label, text in (entry_page.limits(asked.plan) if asked.plan else [])),
        {"label": "Application", "value": asked.application.name},
        {"label": "Expires", "value": when(key.expires_at)},
        *([{"label": "Previous secret", "value": f"works until {when(key.previous_until)}"}] if is_paired else []),
        {"label": "Created", "value": when(key.created_at)},
    ]
    return show(
        request,
        "portal/key.html",
        page_title=key.alias,
        asked=asked,
        state=state_of(key, now=now),
        facts=facts,
        is_revoked=key.revoked_at is not None,
        call=call_with(request, asked, key, "YOUR-KEY"),
        application_url=reverse("portal:application", args=[asked.application_id]),
        **use.tab(use.OF_KEYS, values, "", things="this key"),
        **use.quota(key),
    )


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: DeveloperRequest, id: str) -> HttpResponse:
    """The key is made by the button, so that its secret is seen once, by who pressed it."""
    asked = own_request(request, id)
    if request.method == "POST":
        try:
            key, token = requests.take_key(asked=asked)
            return shown_once(request, asked, key, token)
        except Refused as refused:
            messages.warning(request, str(refused))
            return redirect("portal:application", id=asked.application_id)
    return show(
        request,
        "portal/take.html",
        page_title=f"Your key for {asked.entry_title}",
        asked=asked,
        application_url=reverse("portal:application", args=[asked.application_id]),
    )


@sensitive_variables("token")
def call_with(request: DeveloperRequest, asked: KeyRequest, key: Key, token: str) -> str:
    """Return a line for a shell that calls what the key was asked for, or else something that it opens."""
    shown = catalogue.visible(request.developer).filter(plans=asked.plan_id)
    entry = catalogue.with_api(shown).first() if asked.plan_id else None
    call = documents.call_of(entry, request.portal) if entry else None
    if call and call.address:
        return shlex.join(["curl", "-H", f"{call.header}: {token}", call.address])
    return curl(key, token, gateway=request.portal.gateway_url or "https://…")


@sensitive_variables("token")
def shown_once(request: DeveloperRequest, asked: KeyRequest, key: Key, token: str) -> HttpResponse:
    secret = {
        "title": "This key is shown once",
        "label": "Key",
        "value": token,
        "curl": call_with(request, asked, key, token),
        "done_url": reverse("portal:key", args=[asked.pk]),
    }
    return show(request, "portal/secret.html", page_title=f"Your key for {asked.entry_title}", secret=secret)


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: DeveloperRequest, id: str) -> HttpResponse:
    asked, key = own_key(request, id)
    form = RotateForm(request.POST or None, initial={"revision": key.revision})
    here = reverse("portal:key", args=[id])
    if request.method == "POST" and form.is_valid():
        try:
            key, token = service.rotate_key(asked=asked, **form.cleaned_data)
            return shown_once(request, asked, key, token)
        except ChangedMeanwhile:
            messages.warning(request, "The key was changed or rotated meanwhile: nothing has been done now.")
        except (KeyRefused, Refused) as refused:
            messages.error(request, str(refused))
        return redirect(here)
    confirm = {
        "title": "A new secret for this key",
        "stops": [f"The present secret, {key.masked}, when you choose here."],
        "undo": "No: the present secret does not come back once it has stopped.",
        "action_label": "Make a new secret",
        "cancel_url": here,
        "form": form,
    }
    return confirm_page(request, confirm)


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: DeveloperRequest, id: str) -> HttpResponse:
    asked, key = own_key(request, id)
    here = reverse("portal:key", args=[id])
    if request.method == "POST":
        try:
            service.end_key(asked=asked)
            messages.success(request, "The key is revoked: it opens nothing any more.")
        except (KeyRefused, Refused) as refused:
            messages.error(request, str(refused))
            return redirect(here)
        return redirect("portal:application", id=asked.application_id)
    confirm = {
        "title": "Revoke this key?",
        "stops": [f"Every request with {key.masked} is refused."],
        "undo": f"No, but you can ask for {asked.plan_name} again.",
        "action_label": "Revoke for good",
        "cancel_url": here,
    }
    return confirm_page(request, confirm)


def lines_of(requests: Iterable[KeyRequest]) -> list[str]:
    """Name the keys of these requests, for whom they are about to be taken from."""
    return [f"The key {asked.key.masked} for {asked.entry_title}." for asked in requests if asked.key]
