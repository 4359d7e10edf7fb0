"""A developer's own profile."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.http import DeveloperRequest, developers
from portal.services import developers as service
from portal.services import signing_in
from portal.site.forms import NameForm
from portal.site.frame import confirm_page, show
from portal.site.keys import lines_of
from users.forms import ChangePasswordForm
from users.services.errors import Refused


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: DeveloperRequest) -> HttpResponse:
    form = NameForm(request.POST or None, initial={"name": request.developer.name})
    if request.method == "POST" and form.is_valid():
        service.update_own_name(developer=request.developer, name=form.cleaned_data["name"])
        messages.success(request, "Your name is saved.")
        return redirect("portal:account")
    return show(request, "portal/account.html", page_title="Your account", form=form)


@developers
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("old", "password", "again")
def password(request: DeveloperRequest) -> HttpResponse:
    form = ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        old, new = form.cleaned_data["old"], form.cleaned_data["password"]
        try:
            signing_in.change_password(request=request, developer=request.developer, old=old, new=new)
            messages.success(request, "Your password is changed. You are signed out everywhere else.")
            return redirect("portal:account")
        except Refused as refused:
            form.add_error(None, str(refused))
    cancel_url = reverse("portal:account")
    title = "Change the password"
    return show(request, "portal/form.html", page_title=title, form=form, action=title, cancel_url=cancel_url)


@developers
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: DeveloperRequest) -> HttpResponse:
    """Delete one's own account."""
    keys = lines_of(service.keys_of(request.developer))
    confirm = {
        "title": "Delete your account?",
        "stops": ["Your account, your applications and your requests.", *keys],
        "undo": "No: your keys are revoked for good.",
        "action_label": "Delete my account",
        "cancel_url": reverse("portal:account"),
        "name_to_type": request.developer.email,
    }
    if request.method == "POST":
        if request.POST.get("confirm_name", "").strip() == request.developer.email:
            service.delete_developer(developer=request.developer)
            signing_in.forget(request=request)
            return redirect("portal:home")
        confirm["error"] = "This is not your e-mail address."
    return confirm_page(request, confirm)
