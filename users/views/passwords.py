"""A forgotten password, before sign-in."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from orgs.http import OrgRequest
from orgs.permissions import public
from users.forms import ForgotPasswordForm, NewPasswordForm
from users.services import passwords
from users.services.errors import Refused
from users.views.site import not_on_visits


@public
@not_on_visits
@require_http_methods(["GET", "HEAD", "POST"])
def forgot_password(request: OrgRequest) -> HttpResponse:
    """The answer is the same whether or not there is such a user."""
    form = ForgotPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        passwords.ask_for_reset(request=request, email=form.cleaned_data["email"])
        text = "If there is a user with this address here, a link is on its way. It is valid for an hour."
        return render(request, "users/told.html", {"page_title": "Look into your mail", "text": text})
    context = {"page_title": "Forgot the password?", "form": form, "action": "Mail me a link"}
    return render(request, "users/signed_out_form.html", context)


@public
@not_on_visits
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
@sensitive_post_parameters("password", "again")
def reset_password(request: OrgRequest, id: str, token: str) -> HttpResponse:
    """Answers 200 also for a dead link: Django logs the path of an error, and this one holds a secret."""
    form = NewPasswordForm(request.POST or None)
    if passwords.find_by_reset_link(user_id=id, token=token) is None:
        return render(request, "users/told.html", {"page_title": "Too late", "text": passwords.LINK_GONE})
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"]
        try:
            passwords.reset_password(request=request, user_id=id, token=token, password=password)
            text = "Your password is set, and you are signed out everywhere."
            return render(request, "users/told.html", {"page_title": "Done", "text": text})
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"page_title": "Set a new password", "form": form, "action": "Set the password"}
    return render(request, "users/signed_out_form.html", context)
