"""What changes keys. Each function is one transaction with its audit line, in the open scope.

A secret leaves here once, as the token beside the key that `create_key` and `rotate_key` return.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Unpack, cast

from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from keys import credentials, finding, named, rights, rows, token
from keys.errors import AlreadyCreated, BadSetting, ChangedMeanwhile, Revoked, SameId
from keys.models import Key, KeyAccess, KeyPolicy, KeyTerm
from keys.settings import (
    COLUMNS,
    DEFAULTS,
    KeySettings,
    facts,
    first_facts,
    hidden_changes,
    refuse_past,
    valid,
)
from keys.token import HashAlgorithm
from orgs import audit, scope, search
from orgs.ids import new_id

KIND = "keys"
SAME_ID = "There is already a key with this id."
GRACES = {
    timedelta(0): "now",
    timedelta(minutes=15): "15 minutes",
    timedelta(hours=1): "1 hour",
    timedelta(hours=24): "24 hours",
    timedelta(days=7): "7 days",
}


def create_key(
    *,
    key_id: str = "",
    custom_id: str = "",
    username: str = "",
    password: str = "",
    hmac_string: str = "",
    jwt_secret: str = "",
    **settings: Unpack[KeySettings],
) -> tuple[Key, str]:
    """Issue a key; return it with its token, which is nowhere else.

    `key_id` is what makes a form that is sent twice one key: the second time raises AlreadyCreated. `custom_id`, the
    username or a certificate among the settings is what the token is made of, instead of chance: SameId where the
    organisation has it. A password given with a custom id makes that the username.
    """
    if password and not username:
        username, custom_id = custom_id, ""
    chosen = valid({**DEFAULTS, "alias": username or "key", **settings})
    refuse_past(chosen["expires_at"])
    named.refuse_foreign(chosen["extra"])
    named.refuse_foreign_tags(chosen["tags"])
    text = _token(_chosen_id(custom_id, username, chosen["extra"]))
    if not username and "alias" not in settings:
        chosen["alias"] = f"key {token.mask(text)}"
    policies = named.policies_named(chosen["policies"])
    names = rights.names_of(chosen["accesses"]) | {id: policy.name for id, policy in policies.items()}
    if chosen["expires_at"] is None:
        chosen["expires_at"] = named.first_expiry(policies.values(), now=timezone.now())
    now = timezone.now()
    key = Key(id=key_id or new_id(), username=username, created_at=now, updated_at=now, **_columns(chosen))
    new_secrets = _seal(key, chosen, password=password, hmac_string=hmac_string, jwt_secret=jwt_secret)
    _refuse_open_doors(key, chosen)
    try:
        # A new id meets no other, so only a form's or a client's pays for the savepoint.
        with transaction.atomic(savepoint=bool(key_id or custom_id or username)):
            _give_secret(key, text)
            rows.insert_one(key, chosen)
            changes = {"secret": [None, key.masked], **first_facts(chosen, names), **new_secrets}
            audit.record("created", kind=KIND, obj=key, changes=changes)
    except IntegrityError as error:
        if "keys_digest" in str(error):
            raise SameId(SAME_ID) from None
        raise AlreadyCreated("This key has been created already.") from None
    return key, text


@transaction.atomic
def update_key(
    *,
    key: Key,
    revision: int,
    renews_quota: bool = False,
    password: str = "",
    hmac_string: str = "",
    jwt_secret: str = "",
    **settings: Unpack[KeySettings],
) -> Key:
    """Change what is named; `revision` is the one that the change was made from. Raises ChangedMeanwhile.

    A secret that is not given stays as it is. Where nothing differs nothing is written, but that with `renews_quota`
    the window of the quota begins anew.
    """
    saved = _locked(key, revision=revision)
    before = settings_of(saved)
    after = valid({**before, **settings})
    if after["expires_at"] != before["expires_at"]:
        refuse_past(after["expires_at"])
    if after["extra"] != before["extra"]:
        named.refuse_foreign(after["extra"])
    named.refuse_foreign_tags(after["tags"])
    new_secrets = _seal(saved, after, password=password, hmac_string=hmac_string, jwt_secret=jwt_secret)
    if after == before and not new_secrets:
        return _renew_quota(saved) if renews_quota else saved
    changes = _changes(before, after) | new_secrets
    for name, value in _columns(after).items():
        setattr(saved, name, value)
    if after["accesses"] != before["accesses"]:
        KeyAccess.objects.filter(key=saved).delete()
        rows.write_accesses(saved, after["accesses"])
    if after["policies"] != before["policies"]:
        KeyPolicy.objects.filter(key=saved).delete()
        _write_policies(saved, after["policies"])
    _refuse_open_doors(saved, after)
    KeyTerm.objects.filter(key=saved).delete()
    _write_terms(saved)
    _save(saved, "changed", *COLUMNS, "sealed", changes=changes)
    return saved


@transaction.atomic
def disable_key(*, key: Key) -> Key:
    return _switch(key, "disabled", is_disabled=True)


@transaction.atomic
def enable_key(*, key: Key) -> Key:
    return _switch(key, "enabled", is_disabled=False)


@transaction.atomic
def revoke_key(*, key: Key, now: datetime | None = None) -> Key:
    """End the key for good, with a previous secret that still worked. It stays listed.

    The id that was chosen for it, or its username, is free from now on.
    """
    saved = _locked(key)
    saved.revoked_at = now or timezone.now()
    # No token has such a digest.
    saved.digest, saved.previous_digest = f"revoked-{saved.pk}", ""
    _end_grace(saved, saved.revoked_at)
    _save(saved, "revoked", "revoked_at", "digest", "previous_digest", "previous_until")
    return saved


@transaction.atomic
def rotate_key(*, key: Key, revision: int, grace: timedelta, now: datetime | None = None) -> tuple[Key, str]:
    """Give the key a new secret; return it with the token, which is nowhere else.

    The secret until now works on for `grace` (one of GRACES); one from before it stops at once.
    `revision` makes a form that is sent twice one rotation: the second time raises ChangedMeanwhile.
    """
    saved = _locked(key, revision=revision)
    if saved.username or saved.extra.get("certificate"):
        raise BadSetting("The key goes by its username or certificate: it has no secret of ours to replace.")
    saved.previous_hash, saved.previous_digest = saved.hash, saved.digest
    saved.previous_masked, saved.previous_until = saved.masked, (now or timezone.now()) + grace
    text = _token("")
    _give_secret(saved, text)
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
    opened = {"accesses": rights.accesses_of(key), "policies": rights.policies_of(key)}
    return cast(KeySettings, columns | opened)


SECRET = ("hash_algorithm", "hash", "digest", "masked")
PREVIOUS = ("previous_hash", "previous_digest", "previous_masked", "previous_until")


def _chosen_id(custom_id: str, username: str, extra: Mapping[str, Any]) -> str:
    """Return the id that the token is to hold; empty is a random one."""
    organisation_id = scope.current_organisation_id()
    try:
        if username:
            return token.chosen_id(username, organisation_id, least=1)
        # A gateway looks for a certificate's key by the certificate's fingerprint.
        named_id = custom_id or extra.get("certificate") or ""
        return token.chosen_id(named_id, organisation_id) if named_id else ""
    except ValueError as error:
        raise BadSetting(f"{'Username' if username else 'Id'}: {error}.") from None


def _token(chosen_id: str) -> str:
    organisation_id, algorithm = scope.current_organisation_id(), HashAlgorithm(django_settings.KEY_HASH)
    if not chosen_id:
        return token.new_token(organisation_id=organisation_id, algorithm=algorithm)
    if finding.with_id(chosen_id).exists():
        raise SameId(SAME_ID)
    return token.token_for(organisation_id, chosen_id, algorithm)


def _give_secret(key: Key, text: str) -> None:
    algorithm = HashAlgorithm(django_settings.KEY_HASH)
    key.hash_algorithm, key.hash = algorithm.value, token.hash_token(text, algorithm)
    key.digest, key.masked = token.digest(text, django_settings.KEY_DIGEST_PEPPER), token.mask(text)


def _seal(key: Key, chosen: KeySettings, *, password: str, hmac_string: str, jwt_secret: str) -> dict[str, Any]:
    """Keep the secrets that gateways need as they are; return what the audit trail says of it."""
    if bool(password or credentials.has_password(key.sealed)) != bool(key.username):
        raise BadSetting("Password: a username needs one, and no other key has one.")
    key.sealed, new = credentials.resealed(
        key.sealed,
        password=password,
        hmac_string=hmac_string,
        jwt_secret=jwt_secret,
        needs_hmac=chosen["extra"].get("hmac_enabled") is True,
    )
    return {name: [None, "given"] for name in new}


def _refuse_open_doors(key: Key, chosen: KeySettings) -> None:
    if key.username and chosen["has_all_apis"]:
        raise BadSetting("Username: name its APIs. A later one might not ask for the password.")
    if key.username:
        named.refuse_open_doors(chosen["accesses"], chosen["policies"], has_all_apis=chosen["has_all_apis"])


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


def _renew_quota(key: Key) -> Key:
    key.updated_at = timezone.now()
    key.save(update_fields=["updated_at"])
    return key


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
    names = named.names_in(before, after)
    return audit.differences(facts(before, names), facts(after, names)) | hidden_changes(before, after)


def _columns(settings: KeySettings) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in COLUMNS}


def _write_policies(key: Key, policies: Sequence[str]) -> None:
    if policies:
        KeyPolicy.objects.bulk_create(KeyPolicy(key=key, policy_id=id, position=at) for at, id in enumerate(policies))


def _write_terms(key: Key) -> None:
    terms = search.terms((key.alias, *key.tags), tags=key.tags)
    KeyTerm.objects.bulk_create(KeyTerm(key=key, term=term) for term in terms)
