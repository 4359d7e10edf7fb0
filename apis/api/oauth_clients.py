"""The OAuth clients of an API. A secret is told once: when it is made."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from apis.api.finding import find_api, require_own
from apis.models import Api, OAuthClient
from apis.oauth_clients import services
from orgs.machines import Answer, Call, Paged, Refusal, Streamed, find, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.machines.lists import sorted_by
from orgs.permissions import Level, ObjectKind

READ, WRITE = (ObjectKind.OAUTH_CLIENTS, Level.READ), (ObjectKind.OAUTH_CLIENTS, Level.WRITE)
NO_API, MISSING = "API reference not found.", "Could not retrieve app detail."
SORTS = {"": "-created_at", "created_at": "created_at"}


class ClientBody(msgspec.Struct):
    """`client_name` is the description where there is none. What a change leaves out stays as it is."""

    client_id: str | None = None
    client_name: str | None = None
    description: str | None = None
    meta_data: dict[str, Any] | None = None
    policy_id: str | None = None
    redirect_uri: str | None = None
    secret: str | None = None
    api_id: str | None = None
    org_id: str | None = None


class ClientDocument(msgspec.Struct):
    """`secret` is empty but for the answer to whoever had it made."""

    client_id: str
    client_name: str
    description: str
    meta_data: dict[str, Any]
    policy_id: str
    redirect_uri: str
    secret: str


class ClientList(msgspec.Struct):
    apps: list[ClientDocument]
    pages: int


def document(client: OAuthClient, secret: str = "") -> ClientDocument:
    return ClientDocument(
        client_id=client.client_id,
        client_name="",
        description=client.description,
        meta_data=client.metadata,
        policy_id=client.policy_id,
        redirect_uri=client.redirect_uri,
        secret=secret,
    )


def render(clients: Iterable[OAuthClient]) -> Iterator[bytes]:
    return (msgspec.json.encode(document(client)) for client in clients)


def found(call: Call[Any, Any], api_id: str, client_id: str) -> OAuthClient:
    clients = find_api(call, api_id, NO_API).oauth_clients.select_related("api").defer("api__openapi")
    return find(call, clients, MISSING, client_id=client_id)


def fields_of(call: Call[Any, ClientBody], api: Api) -> services.ClientFields:
    """Return what was sent of what the services take."""
    sent = call.body
    require_own(call, sent.org_id)
    if sent.api_id not in (None, "", api.api_id, api.pk):
        raise Refusal(400, "api_id is that of the path: leave it out.")
    description = sent.description or sent.client_name or sent.description
    fields: services.ClientFields = {}
    if description is not None:
        fields["description"] = description
    if sent.redirect_uri is not None:
        fields["redirect_uri"] = sent.redirect_uri
    if sent.policy_id is not None:
        fields["policy_id"] = sent.policy_id
    if sent.meta_data is not None:
        fields["metadata"] = sent.meta_data
    return fields


@operation(
    "GET", "/api/apis/oauth/{api_id}", "The OAuth clients of an API", access=READ, query=Paged, answers=ClientList,
    refusals=(404,),
)  # fmt: skip
def list_oauth_clients(call: Call[Paged, None], api_id: str) -> Answer | Streamed:
    clients = find_api(call, api_id, NO_API).oauth_clients.all()
    return page_of(call, sorted_by(clients, call.query.sort, SORTS), render, name="apps")


@operation(
    "GET", "/api/apis/oauth/{api_id}/{client_id}", "An OAuth client", access=READ, answers=ClientDocument,
    refusals=(404,),
)  # fmt: skip
def get_oauth_client(call: Call[Any, None], api_id: str, client_id: str) -> ClientDocument:
    return document(found(call, api_id, client_id))


@operation(
    "POST", "/api/apis/oauth/{api_id}", "Create an OAuth client", access=WRITE, body=ClientBody,
    answers=ClientDocument, refusals=(404,),
)  # fmt: skip
def create_oauth_client(call: Call[Any, ClientBody], api_id: str) -> ClientDocument:
    """A client ID and a secret that are not sent are made; the answer is the only one that has the secret."""
    api, sent = find_api(call, api_id, NO_API), call.body
    client, secret = services.create_oauth_client(
        api=api, client_id=sent.client_id or "", secret=sent.secret or "", **fields_of(call, api)
    )
    return document(client, secret)


@operation(
    "PUT", "/api/apis/oauth/{api_id}/{client_id}", "Change an OAuth client", access=WRITE, body=ClientBody,
    answers=ClientDocument, refusals=(404,),
)  # fmt: skip
def update_oauth_client(call: Call[Any, ClientBody], api_id: str, client_id: str) -> ClientDocument:
    client, sent = found(call, api_id, client_id), call.body
    if sent.client_id not in (None, "", client.client_id):
        raise Refusal(400, "client_id cannot be changed: leave it out.")
    if sent.secret:
        raise Refusal(400, "secret is not set here: leave it out, or have a new one made.")
    return document(services.update_oauth_client(client=client, **fields_of(call, client.api)))


@operation(
    "PUT", "/api/apis/oauth/{api_id}/{client_id}/rotate", "Make a new secret for an OAuth client", access=WRITE,
    answers=ClientDocument, refusals=(404,),
)  # fmt: skip
def rotate_oauth_client(call: Call[Any, None], api_id: str, client_id: str) -> ClientDocument:
    """The old secret stops at once; the answer is the only one that has the new one."""
    return document(*services.rotate_secret(client=found(call, api_id, client_id)))


@operation(
    "DELETE", "/api/apis/oauth/{api_id}/{client_id}", "Delete an OAuth client", access=WRITE, answers=Envelope,
    refusals=(404,),
)  # fmt: skip
def delete_oauth_client(call: Call[Any, None], api_id: str, client_id: str) -> Answer:
    services.delete_oauth_client(client=found(call, api_id, client_id))
    return ok("OAuth client deleted successfully.")
