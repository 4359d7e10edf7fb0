"""The users of a site: an organisation's, or at `/all/` the unbounded ones."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may, require
from orgs.sites import Kind
from users import services
from users.forms import UnboundedUserForm, UserForm
from users.listing import user_list
from users.models import User
from users.portrait import portrait
from users.services import rank
from users.services.errors import Refused
from users.views.site import own_users

READ = require(ObjectKind.USERS, Level.READ)
WRITE = require(ObjectKind.USERS, Level.WRITE)


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return render(request, "users/list.html", user_list(request, own_users(request)))


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    user = get_object_or_404(own_users(request), pk=id)
    can_write = may(request, ObjectKind.USERS, Level.WRITE) and rank.may_act_on(request.user, user)
    return render(request, "users/detail.html", portrait(request, user) | {"can_write": can_write})


def user_form(request: OrgRequest, user: User | None = None) -> UnboundedUserForm:
    initial: dict[str, Any] = {"email": user.email, "name": user.name} if user else {}
    if request.site.kind == Kind.ALL:
        return UnboundedUserForm(request.POST or None, initial=initial)
    if user:
        initial |= {"is_administrator": user.is_administrator, "groups": user.groups.all()}
    permissions = user.permissions if user else None
    return UserForm(request.POST or None, by=request.user, permissions=permissions, initial=initial)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    """For robots, and where no mail reaches people: the password is generated and shown once."""
    form = user_form(request)
    if request.method == "POST" and form.is_valid():
        password = services.generate_password()
        try:
            user = _create(request, form.values() | {"password": password})
            return shown_once(request, user, "Password", password)
        except Refused as refused:
            form.add_error(None, str(refused))
    return render(
        request,
        "users/form.html",
        {"page_title": "Create a user", "form": form, "action": "Create the user", "cancel_url": "../"},
    )


def _create(request: OrgRequest, values: dict[str, Any]) -> User:
    if request.site.kind == Kind.ALL:
        return services.create_unbounded_user(**values)
    return services.create_user(**values, by=request.user)


def shown_once(request: OrgRequest, user: User, label: str, value: str) -> HttpResponse:
    secret = {
        "title": f"{label} of {user.email}",
        "label": label,
        "value": value,
        "done_url": f"{request.site.prefix}/users/{user.pk}/",
    }
    return render(request, "users/secret.html", {"page_title": user.email, "secret": secret})


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    user = get_object_or_404(own_users(request), pk=id)
    form = user_form(request, user)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_user(user=user, by=request.user, **form.values())
            messages.success(request, f"{user.email} is saved.")
            return redirect("users:detail", id=user.pk)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"page_title": f"Edit {user.email}", "form": form, "action": "Save", "cancel_url": "../"}
    return render(request, "users/form.html", context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def disable(request: OrgRequest, id: str) -> HttpResponse:
    user = get_object_or_404(own_users(request), pk=id)
    confirm = {
        "title": f"Disable {user.email}",
        "stops": [
            "They are signed out everywhere, now, and cannot sign in.",
            "Their access keys are refused.",
        ],
        "undo": "Yes: the user can be enabled again.",
        "action_label": "Disable the user",
    }
    return _confirmed(request, user, services.disable_user, confirm, done=f"{user.email} is disabled.")


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def enable(request: OrgRequest, id: str) -> HttpResponse:
    user = get_object_or_404(own_users(request), pk=id)
    confirm = {
        "title": f"Enable {user.email}",
        "notices": [f"{user.email} can sign in again, with the permissions of before."],
        "undo": "Yes: the user can be disabled again.",
        "action_label": "Enable the user",
    }
    return _confirmed(request, user, services.enable_user, confirm, done=f"{user.email} is enabled.")


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    user = get_object_or_404(own_users(request), pk=id)
    confirm = {
        "title": f"Delete {user.email}",
        "stops": ["They are signed out everywhere, now, and cannot sign in.", "Their access keys are gone."],
        "notices": ["The audit trail keeps what they did."],
        "undo": "No. Disabling the user can be undone.",
        "action_label": "Delete the user",
        "name_to_type": user.email,
    }
    return _confirmed(request, user, services.delete_user, confirm, done=f"{user.email} is deleted.", to_list=True)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: OrgRequest, id: str) -> HttpResponse:
    user = get_object_or_404(own_users(request), pk=id)
    confirm: dict[str, Any] = {
        "title": f"Give {user.email} a new password",
        "stops": ["Their present password stops working.", "They are signed out everywhere, now."],
        "notices": ["The new password is shown to you, once: hand it over."],
        "undo": "No. They can change it after they have signed in.",
        "action_label": "Give a new password",
    }
    if request.method == "POST":
        try:
            return shown_once(request, user, "Password", services.give_new_password(user=user, by=request.user))
        except Refused as refused:
            confirm["error"] = str(refused)
    return render_confirmation(request, user, confirm)


def render_confirmation(request: OrgRequest, user: User, confirm: dict[str, Any]) -> HttpResponse:
    confirm["cancel_url"] = f"{request.site.prefix}/users/{user.pk}/"
    return render(request, "users/confirm.html", {"page_title": user.email, "confirm": confirm})


def _confirmed(
    request: OrgRequest,
    user: User,
    service: Any,
    confirm: dict[str, Any],
    *,
    done: str,
    to_list: bool = False,
) -> HttpResponse:
    """Show the consequences; do it once they are confirmed, by the typed name where one is asked for."""
    if request.method == "POST":
        try:
            if request.POST.get("confirm_name", "") != confirm.get("name_to_type", ""):
                raise Refused("This is not the name.")
            service(user=user, by=request.user)
            messages.success(request, done)
            return redirect("users:list") if to_list else redirect("users:detail", id=user.pk)
        except Refused as refused:
            confirm["error"] = str(refused)
    return render_confirmation(request, user, confirm)
