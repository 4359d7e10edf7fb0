"""What changes organisations. Only `create_organisation` opens a scope: before it there is none to be in."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from orgs import audit, scope
from orgs.models import Organisation

KIND = "organisation"
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"({LABEL}\.)+{LABEL}")
SETTINGS = ("name", "colour", "contact")


class OrganisationRefused(Exception):
    """The text is a sentence for whoever asked; nothing was changed."""


def create_organisation(*, slug: str, name: str, colour: str = "blue", contact: str = "") -> Organisation:
    organisation = Organisation(slug=slug, name=name, colour=colour, contact=contact)
    _check(organisation)
    try:
        with scope.opened(scope.of(organisation.id)):
            organisation.save(force_insert=True)
            audit.record("created", kind=KIND, obj=organisation)
    except IntegrityError as error:
        raise OrganisationRefused(f"There is already an organisation with the slug {slug}.") from error
    return organisation


def _check(organisation: Organisation) -> None:
    """Uniqueness is the database's business: the open scope does not see the others."""
    try:
        organisation.clean_fields()
    except ValidationError as error:
        texts = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
        raise OrganisationRefused(" ".join(texts)) from error


@transaction.atomic
def update_organisation(*, organisation: Organisation, name: str, colour: str, contact: str) -> Organisation:
    before = {field: getattr(organisation, field) for field in SETTINGS}
    organisation.name, organisation.colour, organisation.contact = name, colour, contact
    _check(organisation)
    organisation.save(update_fields=SETTINGS)
    after = {field: getattr(organisation, field) for field in SETTINGS}
    audit.record("changed", kind=KIND, obj=organisation, changes=audit.differences(before, after))
    return organisation


@transaction.atomic
def suspend(*, organisation: Organisation, reason: str) -> Organisation:
    """Stop sign-ins, which are told the reason, and every change; what there is can still be read."""
    organisation.is_suspended, organisation.suspension_reason = True, reason.strip()
    _check(organisation)
    organisation.save(update_fields=["is_suspended", "suspension_reason"])
    audit.record("suspended", kind=KIND, obj=organisation, changes={"reason": [None, reason.strip()]})
    return organisation


@transaction.atomic
def resume(*, organisation: Organisation) -> Organisation:
    organisation.is_suspended, organisation.suspension_reason = False, ""
    organisation.save(update_fields=["is_suspended", "suspension_reason"])
    audit.record("resumed", kind=KIND, obj=organisation)
    return organisation


def _host(domain: str) -> str:
    host = domain.strip().lower().rstrip(".")
    if not HOST_NAME.fullmatch(host) or len(host) > 253 or host in settings.SITE_HOSTS:
        raise OrganisationRefused(f"The domain {domain} cannot be used.")
    return host


@transaction.atomic
def set_domain(*, organisation: Organisation, domain: str | None) -> Organisation:
    """Let the organisation's site stand at `/` of this host; None takes it away."""
    before, organisation.domain = organisation.domain, _host(domain) if domain else None
    try:
        with transaction.atomic():
            organisation.save(update_fields=["domain"])
    except IntegrityError as error:
        raise OrganisationRefused(f"The domain {domain} cannot be used.") from error
    audit.record("changed", kind=KIND, obj=organisation, changes={"domain": [before, organisation.domain]})
    return organisation
