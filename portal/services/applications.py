"""What developers change of their own: applications, and the keys in them."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from keys import services as keys
from keys.models import Key
from orgs import audit
from orgs.unique import unless_taken
from portal.models import WITH_KEY, Application, Developer, KeyRequest
from users.services.errors import Refused

KIND = "applications"
MOST = 50
TAKEN = "You have an application with this name already."
NO_KEY = "There is no key here any more."
GONE = "This request is there no more."


@transaction.atomic
def create_application(*, developer: Developer, name: str, description: str = "") -> Application:
    if Application.objects.filter(developer=developer).count() >= MOST:
        raise Refused(f"You have {MOST} applications, which is the most.")
    application = Application(developer=developer, name=name.strip(), description=description.strip())
    _write(application)
    audit.record("created", kind=KIND, obj=application)
    return application


@transaction.atomic
def update_application(*, application: Application, name: str, description: str) -> Application:
    before = {"name": application.name, "description": application.description}
    application.name, application.description = name.strip(), description.strip()
    after = {"name": application.name, "description": application.description}
    if changes := audit.differences(before, after):
        _write(application)
        audit.record("changed", kind=KIND, obj=application, changes=changes)
    return application


@transaction.atomic
def delete_application(*, application: Application) -> int:
    """Delete it with what was asked for it; its keys are revoked. Return how many these were."""
    held(application.developer_id)
    revoked = sum(revoke(asked) for asked in keys_of(application=application))
    audit.record("deleted", kind=KIND, obj=application, changes={"keys revoked": [None, revoked]} if revoked else {})
    application.delete()
    return revoked


def keys_of(**whose: Any) -> list[KeyRequest]:
    """Return those of these requests that have a key which is not revoked, in their order."""
    return list(KeyRequest.objects.filter(WITH_KEY, **whose).select_related("key").order_by("created_at", "id"))


def revoke(asked: KeyRequest) -> int:
    """Revoke the key of a request, if it has one that works; return how many these were."""
    if asked.key is None or asked.key.revoked_at:
        return 0
    keys.revoke_key(key=asked.key)
    return 1


@transaction.atomic
def end_key(*, asked: KeyRequest, action: str = "gave back") -> None:
    """Give a key back: it is revoked, and the plan can be asked for anew."""
    saved = locked(asked)
    revoke(saved)
    saved.state = KeyRequest.ENDED
    saved.save(update_fields=["state"])
    audit.record(action, kind="key_requests", obj=saved, name=in_words(saved))


@transaction.atomic
def rotate_key(*, asked: KeyRequest, revision: int, grace: timedelta, now: datetime | None = None) -> tuple[Key, str]:
    """Return the key with a new token, which is nowhere else. Raises Refused or KeyRefused."""
    saved = locked(asked)
    if saved.key is None:
        raise Refused(NO_KEY)
    return keys.rotate_key(key=saved.key, revision=revision, grace=grace, now=now)


def locked(asked: KeyRequest) -> KeyRequest:
    """Return the request as it is now, for this transaction alone. Raises Refused."""
    found = KeyRequest.objects.select_for_update(of=("self",)).select_related("key").filter(pk=asked.pk).first()
    if found is None:
        raise Refused(GONE)
    return found


def held(developer_id: str) -> Developer | None:
    """Return the developer as they are now. Who takes a key, and who takes keys away, wait for each other by this."""
    return Developer.objects.select_for_update(no_key=True).filter(pk=developer_id).first()


def in_words(asked: KeyRequest) -> str:
    return f"{asked.plan_name} of {asked.entry_title}, for {asked.application.name}"[:200]


def _write(application: Application) -> None:
    with unless_taken(Refused(TAKEN), "applications_name"):
        application.save()
