"""Classic API definitions. Each is found by either of its ids."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from apis import services, wire
from apis.api.finding import clients_words, find_api, require_own
from apis.definition import Authentication
from apis.models import Api, ApiTerm
from apis.oas import EXTENSION
from apis.rules import get
from apis.tyk_fields import DEFINITION, schema_of
from orgs import search
from orgs.machines import Answer, Call, Paged, Refusal, Streamed, ok, operation, page_of
from orgs.machines.answers import Envelope, EnvelopeWithId, etag_of
from orgs.machines.lists import sorted_by
from orgs.permissions import Level, ObjectKind

READ, WRITE = (ObjectKind.APIS, Level.READ), (ObjectKind.APIS, Level.WRITE)
SENT = {"anyOf": [wire.WRAPPER, schema_of(DEFINITION) | {"type": "object"}]}
NO_DEFINITION = "API definition does not exist"
SORTS = {
    "": "-created_at",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "name": "sort_name",
    "listen_path": "listen_path",
}
# What clients call the kinds of authentication that have another name here.
AUTHENTICATIONS = {
    "authToken": Authentication.TOKEN,
    "oauth": Authentication.OAUTH2,
    "oidc": Authentication.OPENID,
    "mtls": Authentication.MUTUAL_TLS,
    "customAuth": Authentication.PLUGIN,
    "multiAuth": Authentication.MULTIPLE,
}
KINDS = {**{kind.value: kind for kind in Authentication}, **AUTHENTICATIONS}
MOST_IDS = 1_000


class ApiQuery(Paged):
    """`sort` is created_at, updated_at, name or listen_path, with a `-` before it the other way round.

    `api_type` is classic or oas, `active` 1 or 0; `auth_type`, `category` and `ids` are several by commas.
    """

    category: str = ""
    api_type: str = ""
    auth_type: str = ""
    active: str = ""
    ids: str = ""
    compressed: str = ""


def narrowed(query: ApiQuery) -> "QuerySet[Api]":
    apis: QuerySet[Api] = search.matching(Api.objects.all(), ApiTerm, "api_id", query.q)
    if query.category:
        apis = apis.filter(categories__overlap=_several(query.category))
    if query.api_type:
        apis = apis.filter(is_oas=_one_of("api_type", query.api_type, {"classic": False, "oas": True}))
    if query.auth_type:
        kinds = {_one_of("auth_type", kind, KINDS) for kind in _several(query.auth_type)}
        apis = apis.filter(authentication__in=kinds)
    if query.active:
        apis = apis.filter(is_active=_one_of("active", query.active, {"0": False, "1": True}))
    if query.ids:
        apis = apis.filter(api_id__in=_several(query.ids))
    return apis


def _several(text: str) -> list[str]:
    return text.split(",")[:MOST_IDS]


def _one_of(name: str, value: str, known: dict[str, Any]) -> Any:
    """Return what the value stands for; a filter that is not understood must not give everything."""
    if value not in known:
        raise Refusal(400, f"Query: {name} is one of {', '.join(known)}.")
    return known[value]


def render(rows: Iterable[Any]) -> Iterator[bytes]:
    return (wire.wrapper_text(*row).encode() for row in rows)


def own_body(call: Call[Any, Any]) -> wire.Body:
    sent = wire.unwrap_body(call.document)
    require_own(call, sent.definition.get("org_id"))
    require_own(call, get(sent.document, EXTENSION, "info", "orgId"))
    return sent


def create(sent: wire.Body) -> Api:
    if sent.document:
        return services.create_oas_api(document=sent.document, **sent.settings)
    return services.create_api(definition=sent.definition, **sent.settings)


@operation("GET", "/api/apis", "The APIs", access=READ, query=ApiQuery, answers=wire.LIST)
def list_apis(call: Call[ApiQuery, None]) -> Answer | Streamed:
    rows = sorted_by(narrowed(call.query), call.query.sort, SORTS).values_list(*wire.FIELDS)
    return page_of(call, rows, render, name="apis")


@operation("GET", "/api/apis/search", "The APIs that words find", access=READ, query=ApiQuery, answers=wire.LIST)
def search_apis(call: Call[ApiQuery, None]) -> Answer | Streamed:
    rows = sorted_by(narrowed(call.query), call.query.sort, SORTS).values_list(*wire.FIELDS)
    return page_of(call, rows, render, name="apis")


@operation("GET", "/api/apis/{id}", "An API, by either of its ids", access=READ, answers=wire.WRAPPER, refusals=(404,))
def get_api(call: Call[Any, None], id: str) -> Answer:
    api = find_api(call, id)
    if call.has(api.revision):
        return Answer(b"", 304, etag_of(api.revision))
    (wrapper,) = render(Api.objects.filter(pk=api.pk).values_list(*wire.FIELDS))
    return Answer(wrapper, headers=etag_of(api.revision))


@operation("POST", "/api/apis", "Create an API", access=WRITE, body=SENT, answers=EnvelopeWithId, refusals=(404, 409))
def create_api(call: Call[Any, None]) -> Answer:
    """Ids that are free are kept, those of the row and those that the definition has as `api_id`."""
    sent = own_body(call)
    with clients_words():
        api = create(sent)
    return ok("API created", api.pk, id=api.api_id, etag=api.revision)


@operation(
    "PUT", "/api/apis/{id}", "Replace an API", access=WRITE, body=SENT, answers=Envelope, refusals=(404, 409, 412)
)
def update_api(call: Call[Any, None], id: str) -> Answer:
    """A definition's `api_id` becomes the API's where it is free; what is equal to what is there changes nothing."""
    api = find_api(call, id, NO_DEFINITION)
    sent = own_body(call)
    revision = api.revision if call.if_match is None else call.if_match
    with clients_words():
        if sent.document:
            saved = services.update_oas_api(api=api, document=sent.document, revision=revision, **sent.settings)
        else:
            saved = services.update_api(api=api, definition=sent.definition, revision=revision, **sent.settings)
    return ok("API updated", etag=saved.revision)


@operation("DELETE", "/api/apis/{id}", "Delete an API", access=WRITE, answers=Envelope, refusals=(404, 409, 412))
def delete_api(call: Call[Any, None], id: str) -> Answer:
    return delete(call, find_api(call, id, NO_DEFINITION))


def delete(call: Call[Any, None], api: Api) -> Answer:
    if call.if_match not in (None, api.revision):
        raise services.ChangedMeanwhile(api)
    services.delete_api(api=api)
    return ok("API deleted")
