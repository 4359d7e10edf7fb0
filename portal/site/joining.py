"""Signing up, in and out; a forgotten password; the terms."""

from typing import Any

from django.forms import Form
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.http import PortalRequest, visitors
from portal.markdown import html
from portal.services import developers as service
from portal.services import signing_in, signing_up, single_sign_on
from portal.services.signing_up import SignUpClosed
from portal.site.forms import JoinForm, SignUpForm, TermsForm
from portal.site.frame import show
from users.forms import ForgotPasswordForm, NewPasswordForm, SignInForm
from users.services.errors import Refused, SignInRefused
from users.services.passwords import LINK_GONE
from users.views.site import safe_next

AGAIN = {"sign_up": "Sign up again", "forgot_password": "Get another link"}
MAILED = "If this address can be used here, a link is on its way to it."


@visitors
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
def sign_in(request: PortalRequest) -> HttpResponse:
    if request.developer:
        return HttpResponseRedirect(safe_next(request.site, request.GET.get("next", "")))
    form = SignInForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    if request.method == "POST" and form.is_valid():
        email, password = form.cleaned_data["email"], form.cleaned_data["password"]
        try:
            signing_in.sign_in(request=request, email=email, password=password)
            return HttpResponseRedirect(safe_next(request.site, form.cleaned_data["next"]))
        except SignInRefused as refused:
            form.add_error(None, str(refused))
    return show(request, "portal/sign_in.html", form=form)


@visitors
@require_safe
@sensitive_variables("nonce")
def tap(request: PortalRequest) -> HttpResponse:
    """Sign in whom another system vouches for. What only looks at the address, as mail programs do, uses nothing up."""
    if request.method == "HEAD":
        return HttpResponse()
    nonce = request.GET.get("nonce", "")
    try:
        single_sign_on.sign_in_with_nonce(request=request, nonce=nonce)
    except SignInRefused as refused:
        return _told(request, "You cannot sign in with this", str(refused), status=410)
    return redirect("portal:home")


@visitors
@require_POST
def sign_out(request: PortalRequest) -> HttpResponse:
    signing_in.sign_out(request=request)
    return redirect("portal:home")


@visitors
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: PortalRequest) -> HttpResponse:
    """The answer is the same whether or not there is such a developer."""
    if not request.portal.takes_sign_ups:
        return _told(request, "Sign up", signing_up.refusal(request.portal, ""))
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            signing_up.ask(request=request, email=form.cleaned_data["email"], name=form.cleaned_data["name"])
            return _told(request, "Look into your mail", f"{MAILED} It is valid for three days.")
        except SignUpClosed as refused:
            form.add_error("email", str(refused))
        except Refused as refused:
            form.add_error(None, str(refused))
    text = "You get a mail with a link, and choose your password there."
    return _card(request, "Sign up", form, action="Mail me a link", text=text)


@visitors
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
@sensitive_post_parameters("password", "again")
def join(request: PortalRequest, token: str) -> HttpResponse:
    """Answers 200 also for a dead link: Django logs the path of an error, and this one holds a secret."""
    found = signing_up.find(token)
    if found is None:
        return _told(request, "Too late", signing_up.GONE, again="sign_up" if request.portal.takes_sign_ups else "")
    has_terms = bool(request.portal.terms_revision)
    form = JoinForm(request.POST or None, initial={"name": found.name}, has_terms=has_terms)
    if request.method == "POST" and form.is_valid():
        try:
            developer = signing_up.accept(
                request=request,
                token=token,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
                accepts_terms=form.cleaned_data.get("terms", False),
            )
            signing_in.begin_session(request=request, developer=developer)
            return redirect("portal:home")
        except Refused as refused:
            form.add_error(None, str(refused))
    text = f"Your e-mail address {found.email} is confirmed."
    return _card(request, "Welcome", form, action="Join", text=text, has_terms=has_terms)


@visitors
@require_http_methods(["GET", "HEAD", "POST"])
def forgot_password(request: PortalRequest) -> HttpResponse:
    """The answer is the same whether or not there is such a developer."""
    form = ForgotPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            signing_in.ask_for_reset(request=request, email=form.cleaned_data["email"])
            return _told(request, "Look into your mail", f"{MAILED} It is valid for an hour.")
        except Refused as refused:
            form.add_error(None, str(refused))
    text = "You get a mail with a link, by which you choose another one."
    return _card(request, "Forgot the password?", form, action="Mail me a link", text=text)


@visitors
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
@sensitive_post_parameters("password", "again")
def reset_password(request: PortalRequest, id: str, token: str) -> HttpResponse:
    """Answers 200 also for a dead link, as `join` does."""
    form = NewPasswordForm(request.POST or None)
    if signing_in.find_by_reset_link(developer_id=id, token=token) is None:
        return _told(request, "Too late", LINK_GONE, again="forgot_password")
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"]
        try:
            signing_in.reset_password(request=request, developer_id=id, token=token, password=password)
            return _told(request, "Done", "Your password is set, and you are signed out everywhere.")
        except Refused as refused:
            form.add_error(None, str(refused))
    return _card(request, "Set a new password", form, action="Set the password")


@visitors
@require_safe
def terms(request: PortalRequest) -> HttpResponse:
    request.portal.refresh_from_db(fields=["terms"])
    if not request.portal.terms_revision:
        return _told(request, "Terms", "This portal has no terms.")
    return show(request, "portal/page.html", page_title="Terms", body=html(request.portal.terms))


@visitors
@require_http_methods(["GET", "HEAD", "POST"])
def accept_terms(request: PortalRequest) -> HttpResponse:
    """Where `developers` leads whom the terms of today are new to."""
    if request.developer is None:
        return redirect("portal:sign_in")
    form = TermsForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    if request.method == "POST" and form.is_valid():
        service.accept_terms(developer=request.developer, revision=request.portal.terms_revision)
        return HttpResponseRedirect(safe_next(request.site, form.cleaned_data["next"]))
    text = "They are new, or have changed since you accepted them."
    return _card(request, "Accept the terms", form, action="Go on", text=text, has_terms=True)


def _card(request: PortalRequest, title: str, form: Form, *, action: str, **context: Any) -> HttpResponse:
    return show(request, "portal/card_form.html", page_title=title, form=form, action=action, **context)


def _told(request: PortalRequest, title: str, text: str, *, status: int = 200, again: str = "") -> HttpResponse:
    """`again` is the name of the page at which one gets another link."""
    links = [(reverse(f"portal:{again}"), AGAIN[again])] if again else []
    if not request.developer:
        links.append((reverse("portal:sign_in"), "Sign in"))
    return show(request, "portal/told.html", status, page_title=title, text=text, links=links)
