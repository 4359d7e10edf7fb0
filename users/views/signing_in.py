"""Sign-in and sign-out of one site."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from orgs.http import OrgRequest
from orgs.permissions import public
from users import services
from users.forms import SignInForm
from users.services.errors import SignInRefused
from users.views.site import not_on_visits, safe_next


@public
@not_on_visits
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
def sign_in(request: OrgRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(safe_next(request.site, request.GET.get("next", "")))
    form = SignInForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    if request.method == "POST" and form.is_valid():
        email, password = form.cleaned_data["email"], form.cleaned_data["password"]
        try:
            services.sign_in(request=request, email=email, password=password)
            return HttpResponseRedirect(safe_next(request.site, form.cleaned_data["next"]))
        except SignInRefused as refused:
            form.add_error(None, str(refused))
    return render(request, "users/sign_in.html", {"form": form})


@public
@not_on_visits
@require_POST
def sign_out(request: OrgRequest) -> HttpResponse:
    services.sign_out(request=request)
    return redirect("users:sign_in")
