"""Inviting people, and accepting."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, public, require
from users.forms import AcceptInvitationForm
from users.models import Invitation
from users.services import invitations
from users.services.errors import Refused
from users.views.people import user_form
from users.views.site import not_on_visits

WRITE = require(ObjectKind.USERS, Level.WRITE)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: OrgRequest) -> HttpResponse:
    form = user_form(request)
    form.fields["name"].required = False
    if request.method == "POST" and form.is_valid():
        try:
            invitation, link = invitations.invite(request=request, by=request.user, **form.values())
            return _shown_once(request, invitation, link)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"page_title": "Invite a user", "form": form, "action": "Invite", "cancel_url": "../"}
    return render(request, "users/form.html", context)


def _shown_once(request: OrgRequest, invitation: Invitation, link: str) -> HttpResponse:
    secret = {
        "title": f"The invitation of {invitation.email}",
        "text": "Send this link to them alone. It works once, within 72 hours, and is not shown again.",
        "label": "Link",
        "value": link,
        "done_url": f"{request.site.prefix}/users/",
        "done_label": "I have copied it",
    }
    return render(request, "users/secret.html", {"page_title": "Invite a user", "secret": secret})


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: OrgRequest, id: str) -> HttpResponse:
    own = Invitation.objects.filter(organisation=request.site.organisation)
    invitation = get_object_or_404(own, pk=id)
    confirm = {
        "title": f"Revoke the invitation of {invitation.email}",
        "stops": ["The link that was sent."],
        "undo": "No, but they can be invited again.",
        "action_label": "Revoke the invitation",
        "cancel_url": f"{request.site.prefix}/users/",
    }
    if request.method == "POST":
        try:
            invitations.revoke(invitation=invitation, by=request.user)
            messages.success(request, f"The invitation of {invitation.email} is revoked.")
            return redirect("users:list")
        except Refused as refused:
            confirm["error"] = str(refused)
    return render(request, "users/confirm.html", {"page_title": invitation.email, "confirm": confirm})


@public
@not_on_visits
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
@sensitive_post_parameters("password", "again")
def accept(request: OrgRequest, token: str) -> HttpResponse:
    """Answers 200 also for a dead link: Django logs the path of an error, and this one holds a secret."""
    invitation = invitations.find_invitation(token)
    if invitation is None:
        return render(request, "users/told.html", {"page_title": "Too late", "text": invitations.GONE})
    form = AcceptInvitationForm(request.POST or None, initial={"name": invitation.name})
    if request.method == "POST" and form.is_valid():
        name, password = form.cleaned_data["name"], form.cleaned_data["password"]
        try:
            user = invitations.accept(request=request, token=token, name=name, password=password)
            text = f"Welcome. Sign in as {user.email} with your new password."
            return render(request, "users/told.html", {"page_title": "Done", "text": text})
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"page_title": f"Welcome, {invitation.email}", "form": form, "action": "Join"}
    return render(request, "users/signed_out_form.html", context)
