"""What changes keys. Each function is one transaction with its audit line, in the open scope.

A secret leaves here once, as the token beside the key that `create_key` and `rotate_key` return.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Unpack, cast

from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from keys import rights, token
from keys.errors import AlreadyCreated, ChangedMeanwhile, Revoked
from keys.models import Key, KeyAccess, KeyTerm
from keys.rights import ApiAccess
from keys.settings import (
    COLUMNS,
    DEFAULTS,
    KeySettings,
    facts,
    first_facts,
    metadata_changes,
    refuse_past,
    valid,
)
from keys.token import HashAlgorithm
from orgs import audit, search
from orgs.ids import new_id

KIND = "keys"
GRACES = {
    timedelta(0): "now",
    timedelta(minutes=15): "15 minutes",
    timedelta(hours=1): "1 hour",
    timedelta(hours=24): "24 hours",
    timedelta(days=7): "7 days",
}


def create_key(*, key_id: str = "", **settings: Unpack[KeySettings]) -> tuple[Key, str]:
    """Issue a key; return it with its token, which is nowhere else.

    `key_id` is what makes a form that is sent twice one key: the second time raises AlreadyCreated.
    """
    chosen = valid({**DEFAULTS, **settings})
    refuse_past(chosen["expires_at"])
    names = rights.names_of(chosen["accesses"])
    try:
        # A new id meets no other, so only a form's pays for the savepoint.
        with transaction.atomic(savepoint=bool(key_id)):
            return _insert(key_id or new_id(), chosen, names)
    except IntegrityError:
        raise AlreadyCreated("This key has been created already.") from None


def _insert(key_id: str, settings: KeySettings, names: Mapping[str, str]) -> tuple[Key, str]:
    key = Key(id=key_id, **_columns(settings))
    text = _give_secret(key)
    key.save(force_insert=True)
    _write_accesses(key, settings["accesses"])
    _write_terms(key)
    changes = {"secret": [None, key.masked], **first_facts(settings, names)}
    audit.record("created", kind=KIND, obj=key, changes=changes)
    return key, text


@transaction.atomic
def update_key(*, key: Key, revision: int, **settings: Unpack[KeySettings]) -> Key:
    """Change what is named; `revision` is the one that the change was made from. Raises ChangedMeanwhile."""
    saved = _locked(key, revision=revision)
    before = settings_of(saved)
    after = valid({**before, **settings})
    if after["expires_at"] != before["expires_at"]:
        refuse_past(after["expires_at"])
    changes = _changes(before, after)
    for name, value in _columns(after).items():
        setattr(saved, name, value)
    if after["accesses"] != before["accesses"]:
        KeyAccess.objects.filter(key=saved).delete()
        _write_accesses(saved, after["accesses"])
    KeyTerm.objects.filter(key=saved).delete()
    _write_terms(saved)
    _save(saved, "changed", *COLUMNS, changes=changes)
    return saved


@transaction.atomic
def disable_key(*, key: Key) -> Key:
    return _switch(key, "disabled", is_disabled=True)


@transaction.atomic
def enable_key(*, key: Key) -> Key:
    return _switch(key, "enabled", is_disabled=False)


@transaction.atomic
def revoke_key(*, key: Key, now: datetime | None = None) -> Key:
    """End the key for good, with a previous secret that still worked. It stays listed."""
    saved = _locked(key)
    saved.revoked_at = now or timezone.now()
    _end_grace(saved, saved.revoked_at)
    _save(saved, "revoked", "revoked_at", "previous_until")
    return saved


@transaction.atomic
def rotate_key(*, key: Key, revision: int, grace: timedelta, now: datetime | None = None) -> tuple[Key, str]:
    """Give the key a new secret; return it with the token, which is nowhere else.

    The secret until now works on for `grace` (one of GRACES); one from before it stops at once.
    `revision` makes a form that is sent twice one rotation: the second time raises ChangedMeanwhile.
    """
    saved = _locked(key, revision=revision)
    saved.previous_hash, saved.previous_digest = saved.hash, saved.digest
    saved.previous_masked, saved.previous_until = saved.masked, (now or timezone.now()) + grace
    text = _give_secret(saved)
    changes = {"secret": [saved.previous_masked, saved.masked], "the old one stops": [None, GRACES[grace]]}
    _save(saved, "rotated", *SECRET, *PREVIOUS, changes=changes)
    return saved, text


@transaction.atomic
def retire_previous(*, key: Key, now: datetime | None = None) -> Key:
    """End the grace of a rotation: from now on only the newest secret works."""
    saved = _locked(key)
    if _end_grace(saved, now or timezone.now()):
        _save(saved, "retired the previous secret of", "previous_until")
    return saved


def settings_of(key: Key) -> KeySettings:
    columns = {name: getattr(key, name) for name in COLUMNS}
    return cast(KeySettings, columns | {"accesses": rights.accesses_of(key)})


SECRET = ("hash_algorithm", "hash", "digest", "masked")
PREVIOUS = ("previous_hash", "previous_digest", "previous_masked", "previous_until")


def _give_secret(key: Key) -> str:
    algorithm = HashAlgorithm(django_settings.KEY_HASH)
    text = token.new_token(organisation_id=str(key.organisation_id), algorithm=algorithm)
    key.hash_algorithm, key.hash = algorithm.value, token.hash_token(text, algorithm)
    key.digest, key.masked = token.digest(text, django_settings.KEY_DIGEST_PEPPER), token.mask(text)
    return text


def _locked(key: Key, *, revision: int | None = None) -> Key:
    """Return the key as it is now, for this transaction alone."""
    saved = Key.objects.select_for_update().get(pk=key.pk)
    if saved.revoked_at:
        raise Revoked(f"{saved.alias} is revoked, which is for good: create another key.")
    if revision not in (None, saved.revision):
        raise ChangedMeanwhile(f"{saved.alias} was changed meanwhile: nothing has been done. Look at it again.")
    return saved


def _save(key: Key, action: str, *columns: str, changes: Mapping[str, Any] | None = None) -> None:
    key.revision += 1
    key.updated_at = timezone.now()
    key.save(update_fields=[*columns, "revision", "updated_at"])
    audit.record(action, kind=KIND, obj=key, changes=changes)


def _switch(key: Key, action: str, *, is_disabled: bool) -> Key:
    saved = _locked(key)
    if saved.is_disabled != is_disabled:
        saved.is_disabled = is_disabled
        _save(saved, action, "is_disabled")
    return saved


def _end_grace(key: Key, now: datetime) -> bool:
    if key.previous_until is None or key.previous_until <= now:
        return False
    key.previous_until = now
    return True


def _changes(before: KeySettings, after: KeySettings) -> dict[str, list[Any]]:
    names = rights.names_of(before["accesses"]) | rights.names_of(after["accesses"])
    changes = audit.differences(facts(before, names), facts(after, names))
    return changes | metadata_changes(before["metadata"], after["metadata"])


def _columns(settings: KeySettings) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in COLUMNS}


def _write_accesses(key: Key, accesses: Iterable[ApiAccess]) -> None:
    KeyAccess.objects.bulk_create(
        KeyAccess(
            key=key,
            api_id=access.api_id,
            versions=list(access.versions),
            allowed_urls=[{"url": path.url, "methods": list(path.methods)} for path in access.allowed_urls],
        )
        for access in accesses
    )


def _write_terms(key: Key) -> None:
    terms = search.terms((key.alias, *key.tags), tags=key.tags)
    KeyTerm.objects.bulk_create(KeyTerm(key=key, term=term) for term in terms)
