"""What changes the OAuth clients of an API. Each function is one transaction with its audit line, in the open scope.

A secret leaves here once, beside the client that `create_oauth_client` and `rotate_secret` return.
"""

import secrets
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from django.db import transaction

from apis import definition as definitions
from apis.definition import Authentication
from apis.models import Api, OAuthClient
from apis.oauth_clients import checking
from apis.oauth_clients.checking import OAuthClientError
from apis.rules import get
from orgs import audit, sealing
from orgs.ids import is_id
from orgs.unique import unless_taken

KIND = "oauth_clients"


class ClientFields(TypedDict, total=False):
    """What is left out stays as it is, or is empty.

    `policy_id` is that of a policy that opens the API: what a token of the client may do.
    """

    redirect_uri: str
    description: str
    policy_id: str
    metadata: Mapping[str, Any]


def takes_clients(api: Api) -> bool:
    """Whether callers show a token of an OAuth client, alone or among other credentials."""
    if api.authentication == Authentication.MULTIPLE:
        return bool(get(definitions.parse(api.definition), "use_oauth2"))
    return api.authentication == Authentication.OAUTH2


def create_oauth_client(
    *, api: Api, client_id: str = "", secret: str = "", **fields: Unpack[ClientFields]
) -> tuple[OAuthClient, str]:
    """Return the client and its secret; both are made where none is given. Raises OAuthClientError."""
    if not takes_clients(api):
        raise OAuthClientError(f"{api.name} does not use OAuth 2.0.", "api")
    client = OAuthClient(api=api, client_id=client_id or secrets.token_hex(16))
    secret = secret or secrets.token_urlsafe(32)
    checking.check_client_id(client.client_id)
    checking.check_secret(secret)
    client.sealed = sealing.seal(secret)
    _fill(client, fields)
    taken = OAuthClientError("There is already an OAuth client with this ID.", "client_id")
    with unless_taken(taken, "oauth_clients_client_id"):
        client.save(force_insert=True)
    audit.record("created", kind=KIND, obj=client, changes=audit.differences({}, _public(client)))
    return client, secret


@transaction.atomic
def update_oauth_client(*, client: OAuthClient, **fields: Unpack[ClientFields]) -> OAuthClient:
    """Change what is named. Raises OAuthClientError."""
    saved = _locked(client)
    before, metadata = _public(saved), saved.metadata
    _fill(saved, fields)
    saved.save()
    changes = audit.differences(before, _public(saved))
    if saved.metadata != metadata and "metadata" not in changes:
        changes["metadata"] = ["…", "…"]
    if changes:
        audit.record("changed", kind=KIND, obj=saved, changes=changes)
    return saved


@transaction.atomic
def rotate_secret(*, client: OAuthClient) -> tuple[OAuthClient, str]:
    """Give the client a new secret, which is returned beside it; the old one stops."""
    saved, secret = _locked(client), secrets.token_urlsafe(32)
    saved.sealed = sealing.seal(secret)
    saved.save(update_fields=["sealed"])
    audit.record("rotated the secret of", kind=KIND, obj=saved)
    return saved, secret


@transaction.atomic
def delete_oauth_client(*, client: OAuthClient) -> None:
    audit.record("deleted", kind=KIND, obj=client, changes={"client ID": [client.client_id, None]})
    client.delete()


def _locked(client: OAuthClient) -> OAuthClient:
    return OAuthClient.objects.select_for_update(of=("self",)).select_related("api").get(pk=client.pk)


def _fill(client: OAuthClient, fields: ClientFields) -> None:
    """Set what is named, once it is seen to be right."""
    if "redirect_uri" in fields:
        checking.check_redirect_uri(fields["redirect_uri"])
        client.redirect_uri = fields["redirect_uri"]
    if "description" in fields:
        checking.check_description(fields["description"])
        client.description = fields["description"].strip()
    if "metadata" in fields:
        checking.check_metadata(fields["metadata"])
        client.metadata = dict(fields["metadata"])
    if "policy_id" in fields and fields["policy_id"] != client.policy_id:
        _check_policy(client.api, fields["policy_id"])
        client.policy_id = fields["policy_id"]


def _check_policy(api: Api, policy_id: str) -> None:
    """Policies reach back to the APIs that they open; another organisation's is as one that never was."""
    if policy_id and not (is_id(policy_id) and api.policies.filter(pk=policy_id).exists()):
        raise OAuthClientError("The policy must be one of this organisation that opens the API.", "policy_id")


def _public(client: OAuthClient) -> dict[str, Any]:
    """Return what the audit trail may know: of metadata only the names."""
    return {
        "client ID": client.client_id,
        "redirect_uri": client.redirect_uri,
        "description": client.description,
        "policy_id": client.policy_id,
        "metadata": sorted(client.metadata),
    }
