"""What changes how an organisation's portal is."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict
from urllib.parse import urlsplit

from django.db import transaction

from orgs import audit
from orgs.addresses import target_fault
from orgs.domains.names import HOST
from portal import branding, markdown
from portal.models import Developer, Portal
from portal.names import distinct
from users.services.errors import Refused

KIND = "portal"
MEANWHILE = "The settings were changed meanwhile: nothing has been saved. Look at them again."
MOST_NAMES = 50


class PortalSettings(TypedDict, total=False):
    """What is left out stays as it is."""

    is_on: bool
    title: str
    tagline: str
    gateway_url: str
    sign_up: str
    email_domains: Iterable[str]
    notified: Iterable[str]
    terms: str
    variables: str
    extra: dict[str, Any]


# Of these the audit trail says that they have changed, not how.
UNTOLD = ("terms", "variables", "extra")


def portal_of() -> Portal:
    """Return the open organisation's portal; one that nobody has touched is off, and not stored yet."""
    return Portal.objects.defer("logo").first() or Portal()


@transaction.atomic
def update_portal(*, revision: int | None = None, **settings: Any) -> Portal:
    """Change what is named out of PortalSettings. New terms have to be accepted by every developer.

    `revision` is the one that the change was made from, where it was made from one.
    """
    portal = locked_portal()
    if revision not in (None, portal.revision):
        raise Refused(MEANWHILE)
    before = {name: getattr(portal, name) for name in settings}
    for name, value in settings.items():
        setattr(portal, name, value.strip() if isinstance(value, str) else value)
    portal.email_domains = distinct(host.lower().removeprefix("@") for host in portal.email_domains)
    portal.notified = distinct(portal.notified)
    portal.gateway_url = portal.gateway_url.rstrip("/")
    _check(portal)
    after = {name: getattr(portal, name) for name in settings}
    changes = audit.differences(before, after, untold=UNTOLD)
    if not changes:
        return portal
    if "terms" in changes:
        portal.terms_revision = portal.terms_revision + 1 if portal.terms else 0
    if "terms" in changes and not portal.terms:
        Developer.objects.update(terms_revision=0)  # those that come one day begin with 1 again
    portal.revision += 1
    portal.save(update_fields=[*settings, "terms_revision", "revision"])
    audit.record("changed", kind=KIND, name="portal", changes=changes)
    return portal


@transaction.atomic
def keep(*, part: str, fields: Mapping[str, Any]) -> Portal:
    """Keep what clients say of this part of the portal, which has no effect."""
    kept = {name: value for name, value in locked_portal().extra.items() if name != part}
    return update_portal(extra=kept | ({part: dict(fields)} if fields else {}))


@transaction.atomic
def set_logo(*, logo: branding.Logo | None) -> Portal:
    """Show this picture in the portal's head; None takes it away."""
    portal = locked_portal()
    portal.logo, portal.logo_type = (logo.data, logo.content_type) if logo else (b"", "")
    portal.revision += 1
    portal.save(update_fields=["logo", "logo_type", "revision"])
    audit.record("changed", kind=KIND, name="portal", changes={"logo": [None, portal.logo_type or "none"]})
    return portal


def locked_portal() -> Portal:
    """Return the organisation's row, which is made by this where there is none: two who do wait for each other."""
    Portal.objects.bulk_create([Portal()], ignore_conflicts=True)
    return Portal.objects.defer("logo").select_for_update().get()


def _check(portal: Portal) -> None:
    if portal.gateway_url and (fault := gateway_fault(portal.gateway_url)):
        raise Refused(f"Address of the gateway: it {fault}")
    if unfit := [host for host in portal.email_domains if not HOST.fullmatch(host)]:
        raise Refused(f"E-mail domains: {unfit[0]} is no domain. Write them as in acme.example.")
    if portal.sign_up == Portal.DOMAIN and not portal.email_domains:
        raise Refused("E-mail domains: name at least one, or choose another way to sign up.")
    if max(len(portal.email_domains), len(portal.notified)) > MOST_NAMES:
        raise Refused(f"Name at most {MOST_NAMES} e-mail domains, and as many addresses to tell of requests.")
    if fault := markdown.fault(portal.terms):
        raise Refused(f"Terms: {fault}")
    try:
        branding.parse_variables(portal.variables)
    except branding.BadVariable as error:
        raise Refused(f"Look: {error}") from None


def gateway_fault(url: str) -> str:
    """Return what is wrong with the address at which developers reach the APIs, as the end of a sentence."""
    if fault := target_fault(url):
        return fault
    parts = urlsplit(url)
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc) and url.isascii()
    return "" if is_plain and not {*";,' \""} & {*url} else "must be a plain address, such as https://api.acme.example."
