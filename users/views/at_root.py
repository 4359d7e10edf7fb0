"""The one sign-in page at `/`, which finds the sites that a password opens."""

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs.http import OrgRequest
from orgs.permissions import public
from orgs.sites import Kind, Site
from users.forms import SignInForm
from users.models import User
from users.services import at_root, single_sign_on
from users.services.errors import SignInRefused


@public
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
def sign_in(request: OrgRequest) -> HttpResponse:
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email, password = form.cleaned_data["email"], form.cleaned_data["password"]
        try:
            proven = at_root.find_proven(request=request, email=email, password=password)
            return _enter(request, proven[0]) if len(proven) == 1 else _chooser(request, proven)
        except SignInRefused as refused:
            form.add_error(None, str(refused))
    return render(request, "users/sign_in.html", {"form": form})


def _chooser(request: OrgRequest, proven: list[User]) -> HttpResponse:
    rows = [(user.pk, user.organisation.name if user.organisation else "All organisations") for user in proven]
    return render(request, "users/choose_site.html", {"rows": rows, "choices": at_root.choices(proven)})


@public
@require_POST
def choose(request: OrgRequest) -> HttpResponse:
    try:
        text, user_id = request.POST.get("choices", ""), request.POST.get("user", "")
        return _enter(request, at_root.find_chosen(text=text, user_id=user_id))
    except SignInRefused as refused:
        form = SignInForm({}, initial={})
        form.add_error(None, str(refused))
        return render(request, "users/sign_in.html", {"form": form})


@public
@require_safe
def add_slash(request: HttpRequest, slug: str = "") -> HttpResponse:
    """`/o/acme` is what people type."""
    return HttpResponseRedirect(f"{request.path}/")


@public
@require_safe
@sensitive_variables("nonce")
def tap(request: OrgRequest) -> HttpResponse:
    """Sign in whom another system vouches for. What only looks at the address, as mail programs do, uses nothing up."""
    if request.method == "HEAD":
        return HttpResponse()
    try:
        nonce = request.GET.get("nonce", "")
        user, session = single_sign_on.sign_in_with_nonce(request=request, nonce=nonce)
    except SignInRefused as refused:
        context = {"page_title": "You cannot sign in with this", "text": str(refused)}
        return render(request, "users/told.html", context, status=410)
    return _go(user, session)


def _enter(request: OrgRequest, user: User) -> HttpResponse:
    return _go(user, at_root.start_session(request=request, user=user))


def _go(user: User, session: SessionBase) -> HttpResponse:
    """Go to the user's site, signed in: the session's cookie is set here, for that site's name and path."""
    slug = user.organisation.slug if user.organisation else ""
    site = Site(Kind.ORGANISATION, prefix=f"/o/{slug}", slug=slug) if slug else Site(Kind.ALL, prefix="/all")
    response = HttpResponseRedirect(f"{site.prefix}/")
    _set_session_cookie(response, site, session)
    # A CSRF token from before the sign-in ends with it.
    response.delete_cookie(f"{settings.CSRF_COOKIE_NAME}_{site.cookie_suffix}", path=site.cookie_path)
    return response


def _set_session_cookie(response: HttpResponse, site: Site, session: SessionBase) -> None:
    response.set_cookie(
        f"{settings.SESSION_COOKIE_NAME}_{site.cookie_suffix}",
        session.session_key or "",
        max_age=session.get_expiry_age(),
        path=site.cookie_path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )
