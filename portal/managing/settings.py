"""How the portal is: switched on, who may sign up, its terms and its look."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orgs.http import OrgRequest
from orgs.permissions import Level, ObjectKind, may, require
from portal import branding
from portal.addresses import places_of
from portal.managing.forms import LookForm, PortalForm
from portal.models import Entry, Plan, Portal
from portal.services import settings as service
from portal.site.pages import logo_of, theme_of
from users import mail
from users.services.errors import Refused

READ = require(ObjectKind.PORTAL, Level.READ)
WRITE = require(ObjectKind.PORTAL, Level.WRITE)
KEEP = "private, max-age=86400"  # what nobody but the browser keeps: the portal may be off
FIELDS = ("is_on", "title", "tagline", "gateway_url", "sign_up", "email_domains", "notified", "terms", "revision")


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    portal = service.portal_of()
    context = page(request, portal, "Settings") | {
        "facts": _facts(portal),
        "checklist": checklist(request, portal),
        "sends_mail": mail.is_real(),
    }
    return render(request, "portal_managing/settings.html", context)


def page(request: OrgRequest, portal: Portal, tab: str) -> dict[str, Any]:
    here = f"{request.site.prefix}/portal-settings/"
    tabs = [("Settings", here, tab == "Settings"), ("Look", f"{here}look/", tab == "Look")]
    return {
        "page_title": "Developer portal",
        "portal": portal,
        "portal_url": places_of(request).page(),
        "tabs": tabs,
        "here": here,
        "may_write": may(request, ObjectKind.PORTAL, Level.WRITE),
    }


def checklist(request: OrgRequest, portal: Portal) -> dict[str, Any] | None:
    """Return what is to be done before developers can come, until all of it is."""
    asked_for = Plan.objects.filter(entry__is_published=True)
    by_hand = asked_for.filter(approval=Plan.BY_HAND)
    edit = ("portal-settings/edit/", "Edit the settings")
    steps = [
        _step(request, "Publish an API", "It stands in the catalogue, for everybody or for some.",
              ("catalogue/create/", "Publish an API"), is_done=Entry.objects.filter(is_published=True).exists()),
        _step(request, "Give it a plan", "By a plan, which is a policy, developers get keys.",
              ("catalogue/", "Open the catalogue"), is_done=asked_for.exists()),
        _step(request, "Say where your gateway is", "Its address stands on each API's page, and in the examples.",
              edit, is_done=bool(portal.gateway_url)),
        _step(request, "Name who is told of requests", "They get a mail when a developer asks for a key.",
              edit, is_done=bool(portal.notified) or (asked_for.exists() and not by_hand.exists())),
        _step(request, "Switch the portal on", "Until then there is nothing at its address.",
              edit, is_done=portal.is_on),
    ]  # fmt: skip
    done = sum(step["is_done"] for step in steps)
    if done == len(steps):
        return None
    return {"title": "Before developers can come", "steps": steps, "done": done, "total": len(steps)}


def _step(request: OrgRequest, title: str, text: str, way: tuple[str, str], *, is_done: bool) -> dict[str, Any]:
    path, action = way
    url = f"{request.site.prefix}/{path}" if may(request, ObjectKind.PORTAL, Level.WRITE) else ""
    return {"title": title, "text": text, "url": url, "action": action, "is_done": is_done}


def _facts(portal: Portal) -> list[dict[str, Any]]:
    state = "active" if portal.is_on else "off"
    return [
        {"label": "State", "value": "on" if portal.is_on else "off", "state": state},
        {"label": "Name", "value": portal.title or "the organisation's"},
        {"label": "Tagline", "value": portal.tagline},
        {"label": "Address of the gateway", "value": portal.gateway_url, "is_code": bool(portal.gateway_url)},
        {"label": "Who may sign up", "value": portal.get_sign_up_display()},
        *([{"label": "E-mail domains", "value": ", ".join(portal.email_domains)}] if portal.email_domains else []),
        {"label": "Told of requests", "value": ", ".join(portal.notified) or "nobody"},
        {"label": "Terms", "value": f"revision {portal.terms_revision}" if portal.terms_revision else "none"},
    ]


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest) -> HttpResponse:
    portal = service.portal_of()
    form = PortalForm(request.POST or None, initial={name: getattr(portal, name) for name in FIELDS})
    if request.method == "POST" and form.is_valid():
        try:
            saved = service.update_portal(**form.cleaned_data)
            messages.success(request, f"The portal is saved; it is {'on' if saved.is_on else 'off'}.")
            return redirect("portal_managing:settings")
        except Refused as refused:
            form.add_error(None, str(refused))
    return render(
        request, "portal_managing/edit_settings.html",
        {"page_title": "Edit the portal's settings", "form": form, "cancel_url": "../"},
    )  # fmt: skip


@READ
@require_safe
def look(request: OrgRequest) -> HttpResponse:
    portal = service.portal_of()
    faults = branding.contrast_faults(branding.parse_variables(portal.variables))
    context = {"faults": faults}
    return render(request, "portal_managing/look.html", page(request, portal, "Look") | context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit_look(request: OrgRequest) -> HttpResponse:
    portal = service.portal_of()
    form = LookForm(request.POST or None, request.FILES or None, initial={"variables": portal.variables})
    if request.method == "POST" and form.is_valid():
        try:
            _save_look(form)
            messages.success(request, "The look is saved.")
            return redirect("portal_managing:look")
        except branding.BadLogo as refused:
            form.add_error("logo", str(refused))
        except Refused as refused:
            form.add_error("variables", str(refused))
    context = {"form": form, "names": branding.DOCUMENTED, "has_logo": bool(portal.logo_type)}
    return render(request, "portal_managing/edit_look.html", page(request, portal, "Look") | context)


def _save_look(form: LookForm) -> None:
    sent = form.cleaned_data["logo"]
    logo = branding.check_logo(sent.read(branding.MOST_BYTES + 1), sent.name) if sent else None
    service.update_portal(variables=form.cleaned_data["variables"])
    if logo or form.cleaned_data["removes_logo"]:
        service.set_logo(logo=logo)


@READ
@require_safe
def theme(request: OrgRequest) -> HttpResponse:
    """For previews: the portal itself has it while it is on."""
    return theme_of(service.portal_of(), keep=KEEP)


@READ
@require_safe
def logo(request: OrgRequest) -> HttpResponse:
    return logo_of(Portal.objects.first() or Portal(), keep=KEEP)
