"""The mail of an organisation: what was sent, what waits and why."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, require
from users.mail_list import mail_list
from users.models import Mail
from users.services import mails
from users.services.errors import Refused

READ = require(ObjectKind.SYSTEM, Level.READ)
WRITE = require(ObjectKind.SYSTEM, Level.WRITE)


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    return render(request, "users/mail.html", mail_list(request, now=timezone.now()))


@WRITE
@require_POST
def send_again(request: OrgRequest, id: str) -> HttpResponse:
    mail = get_object_or_404(Mail, pk=id)
    try:
        mails.send_again(mail=mail)
        messages.success(request, f"The mail to {mail.to} is queued again.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("users:mail")


@WRITE
@require_POST
def send_now(request: OrgRequest, id: str) -> HttpResponse:
    mail = get_object_or_404(Mail, pk=id)
    try:
        mails.send_now(mail=mail)
        messages.success(request, f"The mail to {mail.to} is tried now.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("users:mail")
