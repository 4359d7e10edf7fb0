"""Creating and editing a key: one page each, which keeps what was typed."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from keys import choosing, pages, rights, services
from keys.errors import AlreadyCreated, ChangedMeanwhile, KeyRefused
from keys.forms import CreateForm, EditForm, initial_of, new_form_id
from keys.models import Key
from keys.named import names_in
from keys.paths import BadAllowedUrl
from keys.session import SessionError
from keys.settings import KeySettings, facts, metadata_changes
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may, require
from orgs.trail import text

WRITE = require(ObjectKind.KEYS, Level.WRITE)
REFUSED = (KeyRefused, SessionError, BadAllowedUrl)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    form = CreateForm(initial={"form_id": new_form_id()})
    if "find" in request.POST:
        form = CreateForm(initial=request.POST.dict())
    elif request.method == "POST":
        form = CreateForm(request.POST)
        if form.is_valid() and (answer := _created(request, form)):
            return answer
    return render(request, "keys/create.html", {"form": form, **_choices(request, request.POST)})


def _choices(request: OrgRequest, sent: QueryDict) -> dict[str, Any]:
    policies = choosing.policy_choices(sent)
    ticked = urlencode({"policies": [policy.id for policy in policies.chosen]}, doseq=True)
    may_preview = may(request, ObjectKind.POLICIES, Level.READ) and (policies.chosen or policies.others)
    return {
        "choices": choosing.choices(sent),
        "policies": policies,
        "preview_url": f"{request.site.prefix}/policies/preview/?{ticked}" if may_preview else "",
    }


def _created(request: OrgRequest, form: CreateForm) -> HttpResponse | None:
    """Answer with the secret itself: nowhere is it kept for a page that would follow."""
    key_id = form.cleaned_data["form_id"]
    try:
        if Key.objects.filter(pk=key_id).exists():
            raise AlreadyCreated
        key, token = services.create_key(key_id=key_id, **form.settings())
    except AlreadyCreated:
        messages.warning(request, "This key has been created already. Its secret was shown then and is not kept.")
        return redirect("keys:detail", id=key_id)
    except REFUSED as refused:
        form.add_error(None, str(refused))
        return None
    return shown_once(request, key, token, title=f"{key.alias} is ready")


def shown_once(request: OrgRequest, key: Key, token: str, *, title: str) -> HttpResponse:
    curl = pages.curl(key, token)
    secret = {
        "title": "This key is shown once",
        "label": "Key",
        "value": token,
        "curl": curl,
        "done_url": pages.address(request, key),
    }
    return render(request, "keys/secret.html", {"key": key, "page_title": title, "secret": secret})


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    key = get_object_or_404(Key, pk=id)
    form = EditForm(initial=initial_of(key))
    sent: QueryDict = request.POST
    context: dict[str, Any] = {}
    if "find" in sent:
        form = EditForm(initial=sent.dict())
    elif request.method == "POST":
        form = EditForm(sent)
        if form.is_valid():
            typed = form.settings()
            typed["accesses"] = choosing.keeping(typed["accesses"], rights.accesses_of(key))
            try:
                services.update_key(key=key, revision=form.cleaned_data["revision"], **typed)
                messages.success(request, f"{form.cleaned_data['alias']} is saved.")
                return redirect("keys:settings", id=key.pk)
            except ChangedMeanwhile:
                context["conflict"] = _conflict(request, key, form, typed)
            except REFUSED as refused:
                form.add_error(None, str(refused))
    else:
        sent = choosing.choice_of(rights.accesses_of(key), rights.policies_of(key))
    return render(
        request,
        "keys/edit.html",
        pages.page(request, key, "") | context | {"form": form, **_choices(request, sent)},
    )


def _conflict(request: OrgRequest, key: Key, form: EditForm, mine: KeySettings) -> dict[str, Any]:
    """Say what was saved meanwhile beside what was typed; sending once more replaces it."""
    form.now_from(key.revision)
    who, when = pages.last_change(key)
    return {
        "who": who,
        "when": when,
        "fields": _differences(key, mine),
        "reload_url": request.path,
    }


def _differences(key: Key, mine: KeySettings) -> list[tuple[str, str, str]]:
    theirs = services.settings_of(key)
    mine = {**theirs, **mine}
    names = names_in(theirs, mine)
    saved, typed = facts(theirs, names), facts(mine, names)
    changes = {label: [saved[label], typed[label]] for label in saved if saved[label] != typed[label]}
    changes |= metadata_changes(theirs["metadata"], mine["metadata"])
    return [(label, text(their), text(my)) for label, (their, my) in changes.items()]
