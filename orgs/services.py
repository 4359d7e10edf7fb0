"""What changes organisations. What makes one opens its scope, since before it there is none to be in."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.utils.text import slugify

from orgs import audit, definers, scope, walls
from orgs.ids import is_id, new_id
from orgs.models import Organisation

KIND = "organisation"
SETTINGS = ("name", "colour", "contact", "record_days")
# What an organisation leaves behind by being used; to have it is not to own something.
TRACES = {
    *("orgs.AuditEntry", "users.Session", "users.SignInFailure", "users.SignInNonce", "users.Mail"),
    *("gateways.Serving", "gateways.FeedItem", "gateways.Outbox"),
}
LIMITS = ("rate", "per", "quota_max", "quota_renewal_rate", "is_inactive", "expires")  # of an organisation's key
MOST_NAMESAKES = 100
MOST_KEPT = 100_000  # characters; a row of an organisation is read by every page


class OrganisationRefused(Exception):
    """The text is a sentence for whoever asked; nothing was changed."""


class OrganisationExists(OrganisationRefused):
    """There is one with this id already."""


class SlugTaken(OrganisationRefused):
    pass


class OwnsThings(OrganisationRefused):
    """What it owns would be deleted with it, and nobody has said that they mean that."""


class OrganisationGone(OrganisationRefused):
    """Deleted meanwhile."""


def create_organisation(
    *,
    slug: str,
    name: str,
    colour: str = "blue",
    contact: str = "",
    id: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Organisation:
    """Make an organisation; `id` is one that it had elsewhere, `extra` what clients keep there."""
    if id and not is_id(id):
        raise OrganisationRefused("id: an organisation's id is 24 lower-case hexadecimal characters.")
    organisation = Organisation(
        id=id or new_id(), slug=slug, name=name, colour=colour, contact=contact, extra=dict(extra or {})
    )
    _check(organisation)
    try:
        with scope.opened(scope.of(organisation.id), savepoint=True):
            organisation.save(force_insert=True)
            audit.record("created", kind=KIND, obj=organisation)
    except IntegrityError as error:
        if "orgs_organisation_pkey" in str(error):
            raise OrganisationExists("There is already an organisation with this id.") from error
        raise SlugTaken(f"There is already an organisation with the slug {slug}.") from error
    return organisation


def create_with_free_slug(*, slug: str, name: str, id: str = "", extra: Mapping[str, Any]) -> Organisation:
    """Make an organisation at the address that `slug` (or its name) makes; where that is taken, with a number."""
    stem = slugify(slug) or slugify(name) or "organisation"
    for number in range(1, MOST_NAMESAKES):
        ending = f"-{number}" if number > 1 else ""
        try:
            wanted = stem[: 40 - len(ending)].strip("-_").replace("_", "-") + ending
            return create_organisation(slug=wanted, name=name, id=id, extra=extra)
        except SlugTaken:
            continue
    raise SlugTaken(f"There are {MOST_NAMESAKES} organisations with slugs like {stem}: choose another one.")


def _check(organisation: Organisation) -> None:
    """Uniqueness is the database's business: the open scope does not see the others."""
    try:
        organisation.clean_fields()
    except ValidationError as error:
        texts = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
        raise OrganisationRefused(" ".join(texts)) from error
    if len(json.dumps([organisation.extra, organisation.gateway_session])) > MOST_KEPT:
        raise OrganisationRefused(f"The fields that are kept here have more than {MOST_KEPT:,} characters.")


@transaction.atomic
def update_organisation(
    *, organisation: Organisation, name: str, colour: str, contact: str, record_days: int | None
) -> Organisation:
    before = {field: getattr(organisation, field) for field in SETTINGS}
    organisation.name, organisation.colour, organisation.contact = name, colour, contact
    organisation.record_days = record_days
    _check(organisation)
    organisation.save(update_fields=SETTINGS)
    after = {field: getattr(organisation, field) for field in SETTINGS}
    audit.record("changed", kind=KIND, obj=organisation, changes=audit.differences(before, after))
    return organisation


@transaction.atomic
def keep_fields(*, organisation: Organisation, name: str, extra: Mapping[str, Any]) -> Organisation:
    """Give it a name and the fields that clients keep there, which replace those that were.

    The audit trail tells which of them changed, not what they hold: there may be passwords in them.
    """
    before, name_before = organisation.extra, organisation.name
    organisation.name, organisation.extra = name, dict(extra)
    _check(organisation)
    organisation.save(update_fields=["name", "extra"])
    changes = audit.differences({"name": name_before}, {"name": name})
    if changed := sorted(key for key in {*before, *extra} if before.get(key) != extra.get(key)):
        changes["kept fields"] = [None, changed]
    if changes:
        audit.record("changed", kind=KIND, obj=organisation, changes=changes)
    return organisation


@transaction.atomic
def set_gateway_session(*, organisation: Organisation, session: Mapping[str, Any] | None) -> Organisation:
    """Set the quota, rate and switch that gateways hold the whole organisation to; None takes them away."""
    if organisation.gateway_session == session:
        return organisation
    before, after = organisation.gateway_session or {}, session or {}
    organisation.gateway_session = None if session is None else dict(session)
    _check(organisation)
    organisation.save(update_fields=["gateway_session"])
    changed = [field for field in sorted({*before, *after}) if before.get(field) != after.get(field)]
    changes = {field: [before.get(field), after.get(field)] for field in changed if field in LIMITS}
    if kept := [field for field in changed if field not in LIMITS]:
        changes["kept fields"] = [None, kept]  # not what they hold: there may be passwords in them
    audit.record("unlimited" if session is None else "limited", kind=KIND, obj=organisation, changes=changes)
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


@transaction.atomic
def delete_organisation(*, organisation: Organisation, cascade: bool) -> dict[str, int]:
    """Delete an organisation with every trace of it; return what it owned, and how many of each.

    Without `cascade` one that owns something stays. The line of it is in the installation's audit trail.
    """
    with scope.opened(scope.of(organisation.id)):
        # Whoever makes something for it now waits, and finds no organisation.
        if not Organisation.objects.select_for_update().filter(pk=organisation.pk).exists():
            raise OrganisationGone("This organisation has been deleted meanwhile.")
        if not cascade and (owned := _in_words(_owned())):
            raise OwnsThings(f"{organisation.name} still owns {owned}: add cascade=true to delete them too.")
        removed = _delete_rows(organisation.id)
    with scope.opened(scope.INSTALLATION):
        audit.record("deleted", kind=KIND, obj=organisation, changes={what: [n, 0] for what, n in removed.items()})
    return removed


def _things() -> list[type[models.Model]]:
    """The models whose rows are things by themselves, not traces, nor parts as an access right is one of a key."""
    return [
        model
        for model in walls.models_of_organisations()
        if model is not Organisation and model._meta.label not in TRACES and model._meta.pk.name == "id"
    ]


def _label(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name_plural)


def _owned() -> dict[str, int]:
    """Count what the open scope's organisation owns."""
    counts = {_label(model): model._default_manager.count() for model in _things()}
    return {label: n for label, n in counts.items() if n}


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{label} ({n:,})" for label, n in counts.items())


def _delete_rows(organisation_id: str) -> dict[str, int]:
    """Let the owner's function delete every row; the web's role may delete neither organisations nor audit entries."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {definers.DELETION}(%s)", [organisation_id])
        removed = json.loads(cursor.fetchone()[0])
    counts = {_label(model): removed[model._meta.db_table] for model in _things()}
    return {label.lower().replace(" ", "_"): n for label, n in counts.items() if n}
