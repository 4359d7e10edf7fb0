"""Keys. Each is found by its token, by the id that was chosen for it, by that of its row, or by its hash.

A token is in the answer that made it and in no other; from then on a key goes by its hash.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from django.db.models import Q, QuerySet

from apis.models import Api
from apis.tyk_fields import schema_of
from keys import bulk, finding, services, wire
from keys.errors import BadSetting
from keys.lists import opening
from keys.models import Key
from keys.preview import preview
from keys.session_fields import SESSION
from orgs.ids import is_id
from orgs.machines import Answer, Call, Refusal, not_found, ok, operation
from orgs.machines.answers import Envelope, etag_of
from orgs.machines.calls import record_visit
from orgs.permissions import Level, ObjectKind

READ, WRITE = (ObjectKind.KEYS, Level.READ), (ObjectKind.KEYS, Level.WRITE)
MISSING = "Could not retrieve key detail."
CHANGED = "The key was changed meanwhile: nothing has been done. Read it again."
ANY_API = "-"

SENT = schema_of(SESSION) | {"type": "object"}
KEY = {
    "type": "object",
    "properties": {
        "api_model": {"type": "object"},
        "key_id": {"type": "string"},
        "data": SENT,
        "key_hash": {"type": "string"},
    },
    "required": ["api_model", "key_id", "data", "key_hash"],
}
MADE = {"type": "object", "properties": {"key_id": {"type": "string"}, "key_hash": {"type": "string"}}}


def list_of(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"keys": {"type": "array", "items": items}} | more
    return {"type": "object", "properties": properties, "required": [*properties]}


class KeyQuery(msgspec.Struct):
    """`hashed` says that the key is named by its hash, `auto_guess` that it may be, `username` by its username."""

    hashed: str = ""
    auto_guess: str = ""
    username: str = ""


class ReplaceQuery(KeyQuery):
    """With `suppress_reset` the quota's window goes on."""

    suppress_reset: str = ""


class CreateQuery(msgspec.Struct):
    """With `basic_auth` the username is that in `basic_auth_data.user`."""

    basic_auth: str = ""


def is_on(text: str) -> bool:
    return text.lower() not in ("", "0", "false")


def find_key(call: Call[Any, Any], key: str, api: str = ANY_API) -> Key:
    """Return the key that opens this API, which is named by either of its ids."""
    query: KeyQuery = call.query
    found = finding.find_by_reference(key, by_hash=is_on(query.hashed), username=is_on(query.username))
    if found is None and is_on(query.auto_guess):
        found = finding.find_by_reference(key, by_hash=True)
    if found is None or (api != ANY_API and not opens(found, api)):
        raise not_found(MISSING)
    # Not the path as it came: what names a key there may be its secret.
    record_visit(call, found.organisation_id, path=f"/api/keys/{found.pk}")
    return found


def opens(key: Key, api: str) -> bool:
    found = api_of(api)
    return found is not None and keys_opening(found).filter(pk=key.pk).exists()


def api_of(id: str) -> Api | None:
    wanted = Q(pk=id) | Q(api_id=id) if is_id(id) else Q(api_id=id)
    meant = Api.objects.filter(wanted).only("id", "organisation_id") if "\0" not in id else Api.objects.none()
    # An `api_id` that somebody chose may be the id of another API, also of another organisation's.
    return min(meant, key=lambda api: api.pk != id, default=None)


def keys_opening(api: Api) -> "QuerySet[Key]":
    # Who sees every organisation would else see the keys of all APIs of all of them.
    return Key.objects.filter(pk__in=opening(api.pk), organisation=api.organisation_id)


def render(rows: Iterable[Key]) -> Iterator[bytes]:
    return (msgspec.json.encode(detail(key, data)) for key, data in wire.sessions_json(rows))


def detail(key: Key, data: dict[str, Any], *, token: str = "") -> dict[str, Any]:
    return {"api_model": {}, "key_id": token or key.hash, "data": data, "key_hash": key.hash}


def shown(call: Call[KeyQuery, None], key: Key) -> Answer:
    if call.has(key.revision):
        return Answer(b"", 304, etag_of(key.revision))
    return Answer(next(render([key])), headers=etag_of(key.revision))


@operation("GET", "/api/keys/{key}", "A key", access=READ, query=KeyQuery, answers=KEY, refusals=(404,))
def get_key(call: Call[KeyQuery, None], key: str) -> Answer:
    return shown(call, find_key(call, key))


@operation(
    "GET", "/api/apis/{id}/keys/{key}", "A key that opens an API", access=READ, query=KeyQuery, answers=KEY,
    refusals=(404,),
)  # fmt: skip
def get_key_of_api(call: Call[KeyQuery, None], id: str, key: str) -> Answer:
    """The API is - where it is of no interest."""
    return shown(call, find_key(call, key, id))


@operation(
    "POST", "/api/keys", "Create a key, or many", access=WRITE, query=CreateQuery,
    body={"anyOf": [SENT, {"type": "array", "items": SENT, "maxItems": bulk.MOST}]},
    answers={"anyOf": [KEY, list_of(MADE)]}, refusals=(404, 409),
)  # fmt: skip
def create_keys(call: Call[CreateQuery, None]) -> Answer | dict[str, Any]:
    """A list of sessions makes a key of each, in their order, or none."""
    if isinstance(call.document, list):
        made = bulk.create_keys(call.document)
        return {"keys": [{"key_id": token, "key_hash": hash} for token, hash in made]}
    return created(call, username=username_in(call.document) if is_on(call.query.basic_auth) else "")


def username_in(document: Any) -> str:
    data = document.get("basic_auth_data") if isinstance(document, dict) else None
    name = data.get("user") if isinstance(data, dict) else None
    if not isinstance(name, str) or not name:
        raise BadSetting("basic_auth_data.user: give the username.")
    return name


def created(call: Call[Any, None], **chosen: str) -> Answer:
    known = wire.known_to([call.document])
    settings = wire.settings_of_session(call.document, known)
    key, token = services.create_key(**chosen, **settings)
    data = wire.session_made(key, settings, known)
    return Answer(detail(key, data, token=token), headers=etag_of(key.revision))


@operation(
    "POST", "/api/keys/preview", "What a key would be", access=WRITE, body=SENT, answers=KEY, refusals=(404,)
)  # fmt: skip
def preview_key(call: Call[Any, None]) -> dict[str, Any]:
    """With what its policies make of it. Nothing is stored."""
    data = preview(wire.settings_of_session(call.document))
    return {"api_model": {}, "key_id": "", "data": data, "key_hash": ""}


@operation(
    "POST", "/api/keys/{key}", "Create a key with an id of your choice", access=WRITE, body=SENT, answers=KEY,
    refusals=(404, 409),
)  # fmt: skip
def create_custom_key(call: Call[Any, None], key: str) -> Answer:
    return created(call, custom_id=key)


@operation(
    "POST", "/api/apis/keys/basic/{username}", "Create or replace a user of basic authentication", access=WRITE,
    body=SENT, answers=KEY, refusals=(404, 409),
)  # fmt: skip
def create_basic_user(call: Call[Any, None], username: str) -> Answer:
    """The password is that in `basic_auth_data.password`."""
    key = finding.find_by_reference(username, username=True)
    return created(call, username=username) if key is None else replaced(call, key, renews_quota=True)


def replaced(call: Call[Any, None], key: Key, *, renews_quota: bool) -> Answer:
    settings = wire.as_meant(wire.settings_of_session(call.document), key)
    revision = key.revision if call.if_match is None else call.if_match
    saved = services.update_key(key=key, revision=revision, renews_quota=renews_quota, **settings)
    data = wire.session_json(saved, shows_secrets=True, known=key.sealed)
    return Answer(detail(saved, data), headers=etag_of(saved.revision))


@operation(
    "PUT", "/api/keys/{key}", "Replace a key", access=WRITE, query=ReplaceQuery, body=SENT, answers=KEY,
    refusals=(404, 412),
)  # fmt: skip
def update_key(call: Call[ReplaceQuery, None], key: str) -> Answer:
    return replaced(call, find_key(call, key), renews_quota=not is_on(call.query.suppress_reset))


@operation(
    "PUT", "/api/apis/{id}/keys/{key}", "Replace a key that opens an API", access=WRITE, query=ReplaceQuery,
    body=SENT, answers=KEY, refusals=(404, 412),
)  # fmt: skip
def update_key_of_api(call: Call[ReplaceQuery, None], id: str, key: str) -> Answer:
    return replaced(call, find_key(call, key, id), renews_quota=not is_on(call.query.suppress_reset))


def deleted(call: Call[KeyQuery, None], key: Key) -> Answer:
    if call.if_match not in (None, key.revision):
        raise Refusal(412, CHANGED)
    services.revoke_key(key=key)
    return ok("Key deleted successfully.")


@operation(
    "DELETE", "/api/keys/{key}", "Revoke a key", access=WRITE, query=KeyQuery, answers=Envelope, refusals=(404, 412)
)
def delete_key(call: Call[KeyQuery, None], key: str) -> Answer:
    """It is as if it never was, here; the page of keys still lists it."""
    return deleted(call, find_key(call, key))


@operation(
    "DELETE", "/api/apis/{id}/keys/{key}", "Revoke a key that opens an API", access=WRITE, query=KeyQuery,
    answers=Envelope, refusals=(404, 412),
)  # fmt: skip
def delete_key_of_api(call: Call[KeyQuery, None], id: str, key: str) -> Answer:
    return deleted(call, find_key(call, key, id))
