"""One's own account: name, password, sessions and access keys."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, check, refusal_of_changes, signed_in
from users.forms import AccessKeyForm, ChangePasswordForm
from users.models import AccessKey
from users.portrait import portrait
from users.services import access_keys, passwords
from users.services.errors import Refused
from users.views.site import not_on_visits, own_users


@signed_in
@not_on_visits
@require_safe
def account(request: OrgRequest) -> HttpResponse:
    context = portrait(request, request.user) | {"page_title": "Your account", "is_own": True}
    return render(request, "users/account.html", context)


@signed_in
@not_on_visits
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("old", "password", "again")
def change_password(request: OrgRequest) -> HttpResponse:
    form = ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        old, new = form.cleaned_data["old"], form.cleaned_data["password"]
        try:
            passwords.change_password(request=request, user=request.user, old=old, new=new)
            messages.success(request, "Your password is changed. Everywhere else you are signed out.")
            return redirect("users:account")
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {
        "page_title": "Change the password",
        "form": form,
        "action": "Change the password",
        "cancel_url": "../",
    }
    return render(request, "users/form.html", context)


@signed_in
@not_on_visits
@require_POST
def sign_out_everywhere(request: OrgRequest) -> HttpResponse:
    passwords.sign_out_everywhere(request=request, user=request.user)
    return redirect("users:sign_in")


@signed_in
@not_on_visits
@require_http_methods(["GET", "HEAD", "POST"])
def create_access_key(request: OrgRequest) -> HttpResponse:
    _require_changes(request)
    form = AccessKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        key, token = access_keys.create_access_key(user=request.user, label=form.cleaned_data["label"])
        return _shown_once(request, key, token)
    context = {
        "page_title": "Create an access key",
        "form": form,
        "action": "Create the key",
        "cancel_url": "../../account/",
    }
    return render(request, "users/form.html", context)


def _require_changes(request: OrgRequest) -> None:
    if request.organisation and (reason := refusal_of_changes(request)):
        raise PermissionDenied(reason)


def _shown_once(request: OrgRequest, key: AccessKey, token: str) -> HttpResponse:
    secret = {
        "title": f"Access key {key.label}",
        "label": "Access key",
        "value": token,
        "done_url": f"{request.site.prefix}/account/",
    }
    return render(request, "users/secret.html", {"page_title": key.label, "secret": secret})


@signed_in
@not_on_visits
@require_http_methods(["GET", "HEAD", "POST"])
def reset_access_key(request: OrgRequest, id: str) -> HttpResponse:
    _require_changes(request)
    key = get_object_or_404(AccessKey, pk=id, user=request.user)
    if request.method == "POST":
        return _shown_once(request, *access_keys.reset_access_key(key=key, by=request.user))
    confirm = {
        "title": f"Reset {key.label}",
        "stops": [f"The present secret, {key.visible}…, is refused from now on."],
        "undo": "No.",
        "action_label": "Reset the key",
        "cancel_url": f"{request.site.prefix}/account/",
    }
    return render(request, "users/confirm.html", {"page_title": key.label, "confirm": confirm})


@signed_in
@not_on_visits
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_access_key(request: OrgRequest, id: str) -> HttpResponse:
    """One's own, or that of a user whom one may change."""
    key = get_object_or_404(AccessKey.objects.filter(user__in=own_users(request)).select_related("user"), pk=id)
    is_own = key.user_id == request.user.pk
    if not is_own:
        check(request, ObjectKind.USERS, Level.WRITE)
    confirm: dict[str, Any] = {
        "title": f"Revoke {key.label} of {key.user.email}",
        "stops": [f"Whatever uses {key.visible}… is refused from now on."],
        "undo": "No.",
        "action_label": "Revoke the key",
        "cancel_url": f"{request.site.prefix}/account/" if is_own else f"{request.site.prefix}/users/{key.user_id}/",
    }
    if request.method == "POST":
        try:
            access_keys.revoke_access_key(key=key, by=request.user)
            messages.success(request, f"{key.label} is revoked.")
            return HttpResponseRedirect(confirm["cancel_url"])
        except Refused as refused:
            confirm["error"] = str(refused)
    return render(request, "users/confirm.html", {"page_title": key.label, "confirm": confirm})
