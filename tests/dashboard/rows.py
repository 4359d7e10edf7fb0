"""Rows of an organisation, made without the services."""

import json
from typing import Any

from django.conf import settings

from apis.models import Api, ApiTerm
from keys.models import Key, KeyTerm
from keys.token import HashAlgorithm, digest, hash_token, mask, new_token
from orgs import scope, search
from orgs.ids import new_id
from orgs.models import AuditEntry, Organisation
from users.models import User


def api(of: Organisation, name: str) -> Api:
    definition = {"name": name, "api_id": new_id(), "active": True, "proxy": {"listen_path": f"/{new_id()}/"}}
    with scope.opened(scope.of(of.id)):
        made = Api.objects.create(definition=json.dumps(definition), authentication="token")
        ApiTerm.objects.bulk_create(ApiTerm(term=term, api=made) for term in search.terms([name]))
        made.refresh_from_db()
    return made


def key(of: Organisation, alias: str, token: str = "", **fields: Any) -> Key:
    token = token or token_of(of)
    with scope.opened(scope.of(of.id)):
        made = Key.objects.create(
            alias=alias,
            hash_algorithm="sha256",
            hash=hash_token(token, HashAlgorithm.SHA256),
            digest=digest(token, settings.KEY_DIGEST_PEPPER),
            masked=mask(token),
            **fields,
        )
        KeyTerm.objects.bulk_create(KeyTerm(term=term, key=made) for term in search.terms([alias]))
    return made


def token_of(of: Organisation) -> str:
    return new_token(organisation_id=of.id, algorithm=HashAlgorithm.SHA256)


def entry(by: User, action: str = "changed", **fields: Any) -> AuditEntry:
    with scope.opened(scope.of(by.organisation_id or "")):
        return AuditEntry.objects.create(
            organisation_id=by.organisation_id,
            actor_id=by.pk,
            actor=by.email,
            action=action,
            kind="keys",
            **fields,
        )


def audit_lines(of: Organisation) -> list[tuple[str, str, str]]:
    """Return (actor, action, object's name) of the organisation's audit trail, sorted."""
    with scope.opened(scope.of(of.id)):
        return sorted(AuditEntry.objects.values_list("actor", "action", "object_name"))
