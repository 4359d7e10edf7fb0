"""What administrators change of developers, and what developers change of themselves."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from keys import services as keys
from orgs import audit
from orgs.unique import unless_taken
from portal.models import Developer, KeyRequest
from portal.names import distinct
from portal.services import applications
from portal.services.signing_in import end_sessions
from portal.services.signing_up import KIND, taken
from users.services.errors import Refused


@transaction.atomic
def update_developer(*, developer: Developer, name: str, groups: Iterable[str], **columns: Any) -> Developer:
    """Change the name and the groups, which say what of the catalogue the developer sees, and other columns.

    An e-mail address that is given counts as proven. Raises EmailTaken.
    """
    columns |= {"name": name.strip(), "groups": distinct(groups)}
    return _change(developer, columns)


@transaction.atomic
def update_own_name(*, developer: Developer, name: str) -> Developer:
    return _change(developer, {"name": name.strip()})


@transaction.atomic
def accept_terms(*, developer: Developer, revision: int) -> None:
    developer.terms_revision = revision
    developer.save(update_fields=["terms_revision"])
    audit.record("accepted the terms", kind=KIND, obj=developer, changes={"revision": [None, revision]})


@transaction.atomic
def disable_developer(*, developer: Developer) -> int:
    """Sign the developer out and disable their keys; return how many these were."""
    developer.is_active = False
    developer.save(update_fields=["is_active"])
    end_sessions(developer)
    working = {asked.pk: asked.key for asked in keys_of(developer) if asked.key and not asked.key.is_disabled}
    for key in working.values():
        keys.disable_key(key=key)
    KeyRequest.objects.filter(pk__in=[*working]).update(is_disabled_with_developer=True)
    audit.record("disabled", kind=KIND, obj=developer, changes={"keys disabled": [None, len(working)]})
    return len(working)


@transaction.atomic
def enable_developer(*, developer: Developer) -> int:
    """Let the developer in again, with the keys that were disabled with them; return how many these were."""
    developer.is_active = True
    developer.save(update_fields=["is_active"])
    theirs = [asked.key for asked in keys_of(developer) if asked.key and asked.is_disabled_with_developer]
    for key in theirs:
        keys.enable_key(key=key)
    KeyRequest.objects.filter(application__developer=developer).update(is_disabled_with_developer=False)
    audit.record("enabled", kind=KIND, obj=developer, changes={"keys enabled": [None, len(theirs)]})
    return len(theirs)


@transaction.atomic
def delete_developer(*, developer: Developer) -> int:
    """Delete the developer with applications and requests; their keys are revoked. Return how many these were."""
    applications.held(developer.pk)
    revoked = sum(applications.revoke(asked) for asked in keys_of(developer))
    end_sessions(developer)
    audit.record("deleted", kind=KIND, obj=developer, changes={"keys revoked": [None, revoked]} if revoked else {})
    developer.delete()
    return revoked


def keys_of(developer: Developer) -> list[KeyRequest]:
    """Return the developer's requests that have a key which is not revoked."""
    return applications.keys_of(application__developer=developer)


def _change(developer: Developer, columns: dict[str, Any]) -> Developer:
    before = {name: getattr(developer, name) for name in columns}
    if not columns.get("name", developer.name):
        raise Refused("Name: give one.")
    changes = audit.differences(before, columns, untold=("extra",))
    if not changes:
        return developer
    for name, value in columns.items():
        setattr(developer, name, value)
    with unless_taken(taken(developer.email), "developers_email"):
        developer.save(update_fields=[*columns])
    audit.record("changed", kind=KIND, obj=developer, changes=changes)
    return developer
