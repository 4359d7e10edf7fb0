"""The list of policies, the pages of one, and what changes it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from keys import choosing
from keys import rights as key_rights
from keys.errors import ChangedMeanwhile, KeyRefused
from keys.models import Policy
from keys.paths import BadAllowedUrl
from keys.policies import pages, services
from keys.policies.forms import EditForm, PolicyForm, initial_of
from keys.policies.lists import policy_list
from keys.policies.services import KIND, settings_of
from keys.policies.settings import PolicySettings, facts
from keys.session import SessionError
from keys.settings import metadata_changes
from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, check, may, require
from orgs.trail import history_of, text

READ = require(ObjectKind.POLICIES, Level.READ)
WRITE = require(ObjectKind.POLICIES, Level.WRITE)
REFUSED = (KeyRefused, SessionError, BadAllowedUrl)
MOST_LINES = 50
# Says what stops of what lies above the policies, which they do not know.
Above = Callable[[Policy], list[str]]


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    may_write = may(request, ObjectKind.POLICIES, Level.WRITE)
    return render(request, "policies/list.html", policy_list(request, may_write=may_write))


@READ
@require_safe
def preview(request: OrgRequest) -> HttpResponse:
    return render(request, "policies/preview.html", pages.preview(request))


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    policy = get_object_or_404(Policy, pk=id)
    context = pages.page(request, policy, "Access") | pages.access_table(request, policy)
    return render(request, "policies/access.html", context)


@READ
@require_safe
def settings(request: OrgRequest, id: str) -> HttpResponse:
    policy = get_object_or_404(Policy, pk=id)
    context = pages.page(request, policy, "Settings") | {"facts": pages.facts(policy)}
    return render(request, "policies/settings.html", context)


@READ
@require_safe
def history(request: OrgRequest, id: str) -> HttpResponse:
    check(request, ObjectKind.AUDIT, Level.READ)
    policy = get_object_or_404(Policy, pk=id)
    lines = history_of(KIND, policy.pk, organisation_id=request.organisation.pk, most=MOST_LINES)
    return render(request, "policies/history.html", pages.page(request, policy, "History") | {"history": lines})


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    form = PolicyForm(request.POST or None)
    if "find" in request.POST:
        form = PolicyForm(initial=_typed(request))
    elif form.is_valid():
        try:
            policy = services.create_policy(**form.settings())
        except REFUSED as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"{policy.name} is created.")
            return redirect("policies:detail", id=policy.pk)
    return render(request, "policies/create.html", {"form": form, "choices": choosing.choices(request.POST)})


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    policy = get_object_or_404(Policy, pk=id)
    before = settings_of(policy)
    sent = request.POST if request.method == "POST" else choosing.choice_of(before["accesses"])
    form = EditForm(request.POST or None, initial=initial_of(policy))
    context = pages.page(request, policy, "")
    if "find" in request.POST:
        form = EditForm(initial=_typed(request))
    elif form.is_valid():
        try:
            outcome = _saved(request, policy, form, before)
        except REFUSED as refused:
            form.add_error(None, str(refused))
        else:
            if isinstance(outcome, HttpResponse):
                return outcome
            context["conflict"] = outcome
    return render(request, "policies/edit.html", context | {"form": form, "choices": choosing.choices(sent)})


@WRITE
@require_POST
def activate(request: OrgRequest, id: str) -> HttpResponse:
    policy = services.set_active(policy=get_object_or_404(Policy, pk=id), is_active=True)
    messages.success(request, f"{policy.name} is active.")
    return redirect("policies:detail", id=policy.pk)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: OrgRequest, id: str, above: Above | None = None) -> HttpResponse:
    policy = get_object_or_404(Policy, pk=id)
    if request.method == "POST":
        services.set_active(policy=policy, is_active=False)
        messages.success(request, f"{policy.name} is inactive: no key that applies it works.")
        return redirect("policies:detail", id=policy.pk)
    return _confirm(
        request,
        policy,
        title=f"Deactivate {policy.name}",
        stops=[
            *pages.what_stops(request, policy, until="until it is active again"),
            *(above(policy) if above else []),
        ],
        undo="Yes: activate it again at any time.",
        action_label="Deactivate the policy",
    )


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str, above: Above | None = None) -> HttpResponse:
    policy = get_object_or_404(Policy, pk=id)
    is_sent = request.method == "POST"
    if is_sent and " ".join(request.POST.get("confirm_name", "").split()) == " ".join(policy.name.split()):
        disabled = services.delete_policy(policy=policy)
        messages.success(request, f"{policy.name} is deleted. Keys disabled: {disabled:,}.")
        return redirect("policies:list")
    return _confirm(
        request,
        policy,
        title=f"Delete {policy.name}",
        stops=[
            *pages.what_stops(request, policy, until="as they are disabled: without it they might do more"),
            *(above(policy) if above else []),
        ],
        undo="No. Before you enable such a key again, give it another policy or limits of its own.",
        action_label="Delete the policy",
        name_to_type=policy.name,
        error="This is not the name of the policy." if is_sent else "",
    )


def _typed(request: OrgRequest) -> dict[str, Any]:
    """What was typed, to go on with after a search."""
    return request.POST.dict() | {"parts": request.POST.getlist("parts")}


def _saved(
    request: OrgRequest, policy: Policy, form: EditForm, before: PolicySettings
) -> HttpResponse | dict[str, Any]:
    """Save and lead on, or return the conflict."""
    typed = form.settings()
    typed["accesses"] = choosing.keeping(typed["accesses"], before["accesses"])
    try:
        saved = services.update_policy(policy=policy, revision=form.cleaned_data["revision"], **typed)
    except ChangedMeanwhile:
        return _conflict(request, policy, form, before, typed)
    messages.success(request, f"{saved.name} is saved: the keys that apply it do what it says now.")
    return redirect("policies:detail", id=policy.pk)


def _conflict(
    request: OrgRequest, policy: Policy, form: EditForm, theirs: PolicySettings, mine: PolicySettings
) -> dict[str, Any]:
    """Say what was saved meanwhile beside what was typed; sending once more replaces it."""
    form.now_from(policy.revision)
    who, when = pages.last_change(policy)
    return {"who": who, "when": when, "fields": _differences(theirs, mine), "reload_url": request.path}


def _differences(theirs: PolicySettings, mine: PolicySettings) -> list[tuple[str, str, str]]:
    mine = {**theirs, **mine}
    names = key_rights.names_of([*theirs["accesses"], *mine["accesses"]])
    saved, typed = facts(theirs, names), facts(mine, names)
    changes = {label: [saved[label], typed[label]] for label in saved if saved[label] != typed[label]}
    changes |= metadata_changes(theirs["metadata"], mine["metadata"])
    return [(label, text(their), text(my)) for label, (their, my) in changes.items()]


def _confirm(request: OrgRequest, policy: Policy, **confirm: Any) -> HttpResponse:
    here = pages.address(request, policy)
    notices = ["Whoever calls with such a key: a gateway may take some seconds to know."]
    confirm |= {"notices": notices, "cancel_url": here}
    context = {"policy": policy, "here": here, "page_title": confirm["title"], "confirm": confirm}
    return render(request, "policies/confirm.html", context)
