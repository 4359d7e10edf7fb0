"""What changes policies. Each function is one transaction with its audit lines, in the open scope.

A policy that goes must not leave a key with more than it had: the keys that applied it are disabled.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Unpack, cast

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from keys import named
from keys import rights as key_rights
from keys.errors import BadSetting, ChangedMeanwhile
from keys.models import Key, Policy, PolicyAccess
from keys.policies import rights
from keys.policies.errors import IdTaken, NameTaken
from keys.policies.settings import COLUMNS, DEFAULTS, PolicySettings, facts, first_facts, valid
from keys.rights import ApiAccess
from keys.rows import columns_of
from keys.services import KIND as KEYS
from keys.settings import names_changed
from orgs import audit, scope
from orgs.ids import is_id, new_id
from orgs.models import AuditEntry

KIND = "policies"
TAKEN = {
    "policies_name": (NameTaken, "Name: there is already a policy with this name."),
    "policies_explicit_id": (IdTaken, "ID of its own: there is already a policy with it."),
}


def create_policy(*, policy_id: str = "", **settings: Unpack[PolicySettings]) -> Policy:
    """Create a policy. Raises KeyRefused, SessionError or BadAllowedUrl.

    `policy_id` is kept when it is free in the whole installation, else replaced without a word: whether another
    organisation has it is nobody's business. One of the organisation's own is IdTaken.
    """
    if policy_id and not is_id(policy_id):
        raise BadSetting("ID: give 24 lower-case hexadecimal characters, or none.")
    if policy_id and Policy.objects.filter(pk=policy_id).exists():
        raise IdTaken("ID: there is already a policy with this id.")
    chosen = valid({**DEFAULTS, **settings})
    named.refuse_foreign_tags(chosen["tags"])
    names = key_rights.names_of(chosen["accesses"])
    try:
        return _create(policy_id or new_id(), chosen, names)
    except _TakenElsewhere:
        return _create(new_id(), chosen, names)


class _TakenElsewhere(Exception):
    pass


@transaction.atomic
def _create(policy_id: str, chosen: PolicySettings, names: Mapping[str, str]) -> Policy:
    policy = Policy(id=policy_id, **_columns(chosen))
    _write(policy, force_insert=True)
    _write_accesses(policy, chosen["accesses"])
    audit.record("created", kind=KIND, obj=policy, changes=first_facts(chosen, names))
    return policy


@transaction.atomic
def update_policy(*, policy: Policy, revision: int, **settings: Unpack[PolicySettings]) -> Policy:
    """Change what is named; `revision` is the one that the change was made from. Raises ChangedMeanwhile."""
    saved = _locked(policy, revision=revision)
    before = settings_of(saved)
    after = valid({**before, **settings})
    if after == before:
        return saved
    named.refuse_foreign_tags(after["tags"])
    names = key_rights.names_of(before["accesses"]) | key_rights.names_of(after["accesses"])
    if _applying(saved).exclude(username="").exists():
        named.refuse_open_doors(after["accesses"], (), has_all_apis=False)
    if after["accesses"] != before["accesses"]:
        PolicyAccess.objects.filter(policy=saved).delete()
        _write_accesses(saved, after["accesses"])
    _save(saved, "changed", _changes(before, after, names), **_columns(after))
    return saved


@transaction.atomic
def set_active(*, policy: Policy, is_active: bool) -> Policy:
    """Let keys use the policy, or not: no key that applies an inactive one works."""
    saved = _locked(policy)
    if saved.is_active != is_active:
        _save(saved, "activated" if is_active else "deactivated", {}, is_active=is_active)
    return saved


@transaction.atomic
def delete_policy(*, policy: Policy) -> int:
    """Delete the policy and disable the keys that applied it; return how many these were.

    Without its limits they could do more than with them.
    """
    saved = _locked(policy)
    disabled = _disable(_applying(saved).filter(is_disabled=False), because=saved)
    audit.record("deleted", kind=KIND, obj=saved, changes={"keys disabled": [None, disabled]} if disabled else {})
    saved.delete()
    return disabled


def settings_of(policy: Policy) -> PolicySettings:
    columns = {name: getattr(policy, name) for name in COLUMNS}
    return cast(PolicySettings, columns | {"accesses": rights.accesses_of([policy])[policy.pk]})


def _locked(policy: Policy, *, revision: int | None = None) -> Policy:
    """Return the policy as it is now, for this transaction alone."""
    saved = Policy.objects.select_for_update().get(pk=policy.pk)
    if revision not in (None, saved.revision):
        raise ChangedMeanwhile(f"{saved.name} was changed meanwhile: nothing has been done. Look at it again.")
    return saved


def _save(policy: Policy, action: str, changes: Mapping[str, Any], **columns: Any) -> None:
    for name, value in columns.items():
        setattr(policy, name, value)
    policy.revision += 1
    policy.updated_at = timezone.now()
    _write(policy, update_fields=[*columns, "revision", "updated_at"])
    audit.record(action, kind=KIND, obj=policy, changes=changes)


def _write(policy: Policy, **how: Any) -> None:
    try:
        with transaction.atomic():
            policy.save(**how)
    except IntegrityError as error:
        constraint = error.__cause__.diag.constraint_name  # type: ignore[union-attr]
        if constraint in TAKEN:
            refusal, sentence = TAKEN[constraint]
            raise refusal(sentence) from None
        if constraint == "keys_policy_pkey":
            raise _TakenElsewhere from None
        raise


def _write_accesses(policy: Policy, accesses: Iterable[ApiAccess]) -> None:
    PolicyAccess.objects.bulk_create(PolicyAccess(policy=policy, **columns_of(access)) for access in accesses)


def _columns(settings: PolicySettings) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in COLUMNS}


def _changes(before: PolicySettings, after: PolicySettings, names: Mapping[str, str]) -> dict[str, list[Any]]:
    changes = audit.differences(facts(before, names), facts(after, names))
    changes |= names_changed("metadata", before["metadata"], after["metadata"])
    return changes | names_changed("further fields", before["extra"], after["extra"])


def _applying(policy: Policy) -> "QuerySet[Key]":
    return Key.objects.filter(applied__policy=policy, revoked_at=None)


def _disable(keys: "QuerySet[Key]", *, because: Policy) -> int:
    """A few statements, however many keys."""
    found = list(keys.order_by("id").select_for_update(of=("self",)).values_list("id", "alias"))
    if not found:
        return 0
    ids = [id for id, _ in found]
    Key.objects.filter(pk__in=ids).update(is_disabled=True, revision=F("revision") + 1, updated_at=timezone.now())
    by, changes = audit.actor(), {"disabled": [False, True], "policy deleted": [because.name, None]}
    AuditEntry.objects.bulk_create(
        (
            AuditEntry(
                organisation_id=scope.current_organisation_id(),
                actor_id=by.id,
                actor=by.name,
                address=by.address,
                action="disabled",
                kind=KEYS,
                object_id=id,
                object_name=alias,
                changes=changes,
            )
            for id, alias in found
        ),
        batch_size=5_000,
    )
    return len(found)
