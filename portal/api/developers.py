"""Developers of the portal."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from django.db.models import QuerySet

from apis.api.finding import require_new, require_same
from keys.models import KeyPolicy
from orgs.http import address
from orgs.machines import Answer, Call, Paged, Refusal, Streamed, find, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.machines.lists import sorted_by
from orgs.permissions import Level, ObjectKind
from portal.models import WITH_KEY, Developer, KeyRequest
from portal.services import developers as services
from portal.services import signing_in, signing_up
from portal.wire import developers as wire
from portal.wire.developers import DeveloperBody, DeveloperDocument, Owned
from users.services.errors import SignInRefused
from users.services.signing_in import WRONG
from users.wire import LONGEST_EMAIL, taken_as

READ, WRITE = (ObjectKind.PORTAL, Level.READ), (ObjectKind.PORTAL, Level.WRITE)
MISSING = "Could not retrieve developer detail."
TAKEN = "Developer email already exists for this org."
SET_ELSEWHERE = "password: it is set by /api/portal/developers/password/{id}."
SORTS = {"email": "email", "date_created": "created_at", "last_login_date": "last_login"}


class DeveloperList(msgspec.Struct, rename="pascal"):
    data: list[DeveloperDocument]
    pages: int


class Credentials(msgspec.Struct):
    """`username` is the e-mail address."""

    username: str
    password: str


class NewPassword(msgspec.Struct):
    password: str


def keys_of(developers: Iterable[Developer]) -> dict[str, list[Owned]]:
    """Return their keys by developer, which are asked for together."""
    keys = KeyRequest.objects.filter(WITH_KEY, application__developer__in=[each.pk for each in developers])
    rows = list(keys.order_by("created_at", "id").values_list("application__developer_id", "key_id", "key__hash"))
    policies: defaultdict[str, list[str]] = defaultdict(list)
    applied = KeyPolicy.objects.filter(key__in=[key for _, key, _ in rows]).order_by("key_id", "position")
    for key_id, policy_id in applied.values_list("key_id", "policy_id"):
        policies[key_id].append(policy_id)
    found: defaultdict[str, list[Owned]] = defaultdict(list)
    for developer_id, key_id, hash in rows:
        found[developer_id].append(Owned(hash, policies[str(key_id)]))
    return found


def documents(developers: Iterable[Developer]) -> Iterator[dict[str, Any]]:
    developers = list(developers)
    keys = keys_of(developers)
    for developer in developers:
        yield wire.document(developer, keys.get(developer.pk, []))


def document(developer: Developer) -> dict[str, Any]:
    (found,) = documents([developer])
    return found


def render(rows: Iterable[Developer]) -> Iterator[bytes]:
    return map(msgspec.json.encode, documents(rows))


def found(call: Call[Any, Any], id: str) -> Developer:
    return find(call, Developer.objects.all(), MISSING, pk=id)


@operation(
    "GET", "/api/portal/developers", "The developers", access=READ, query=Paged, answers=DeveloperList
)  # fmt: skip
def list_developers(call: Call[Paged, None]) -> Answer | Streamed:
    """`q` is a part of the e-mail address."""
    rows: QuerySet[Developer] = Developer.objects.all()
    if wanted := call.query.q.strip().lower():
        rows = rows.filter(email__contains=wanted)
    return page_of(call, sorted_by(rows, call.query.sort, SORTS), render, name="Data", pages="Pages")


@operation("GET", "/api/portal/developers/{id}", "A developer", access=READ, answers=DeveloperDocument, refusals=(404,))
def get_developer(call: Call[Any, None], id: str) -> dict[str, Any]:
    return document(found(call, id))


@operation(
    "GET", "/api/portal/developers/email/{email}", "A developer, by e-mail address", access=READ,
    answers=DeveloperDocument, refusals=(404,),
)  # fmt: skip
def get_developer_by_email(call: Call[Any, None], email: str) -> dict[str, Any]:
    return document(find(call, Developer.objects.order_by("id"), MISSING, email=email.strip().lower()))


@operation(
    "GET", "/api/portal/developers/ssokey/{key}", "A developer, by the sso_key that a client keeps with them",
    access=READ, answers=DeveloperDocument, refusals=(404,),
)  # fmt: skip
def get_developer_by_sso_key(call: Call[Any, None], key: str) -> dict[str, Any]:
    return document(find(call, Developer.objects.order_by("id"), MISSING, extra__sso_key=key))


@operation(
    "GET", "/api/portal/developers/{id}/subscriptions", "A developer's keys by their policies", access=READ,
    answers={"type": "object", "additionalProperties": {"type": "string"}}, refusals=(404,),
)  # fmt: skip
def get_subscriptions(call: Call[Any, None], id: str) -> dict[str, str]:
    developer = found(call, id)
    return wire.subscriptions(keys_of([developer]).get(developer.pk, []))


@operation("POST", "/api/portal/developers", "Create a developer", access=WRITE, body=DeveloperBody, answers=Envelope)
def create_developer(call: Call[Any, DeveloperBody]) -> Answer:
    """`Message` is the id. Without a password they sign in after a reset. The address counts as proven."""
    sent = call.body
    require_new(call)
    wire.refuse_beginnings(sent)
    wanted = wire.read(sent, call.document)
    developer = Developer(email=wanted.email, name=wanted.name, groups=wanted.groups, extra=wanted.extra)
    with taken_as(TAKEN):
        signing_up.create(developer, password=sent.password or None)
    if not wanted.is_active:
        services.disable_developer(developer=developer)
    return ok(developer.pk)


@operation(
    "PUT", "/api/portal/developers/{id}", "Change a developer", access=WRITE, body=DeveloperBody, answers=Envelope,
    refusals=(404,),
)  # fmt: skip
def update_developer(call: Call[Any, DeveloperBody], id: str) -> Answer:
    """`inactive` signs them out and disables their keys, until it is false again."""
    developer, sent = found(call, id), call.body
    require_same(call, id, "a developer")
    if sent.password:
        raise Refusal(400, SET_ELSEWHERE)
    wanted = wire.read(sent, call.document, developer)
    with taken_as(TAKEN):
        services.update_developer(
            developer=developer, name=wanted.name, groups=wanted.groups, email=wanted.email, extra=wanted.extra
        )
    if wanted.is_active != developer.is_active:
        switch = services.enable_developer if wanted.is_active else services.disable_developer
        switch(developer=developer)
    return ok("Data updated")


@operation(
    "DELETE", "/api/portal/developers/{id}", "Delete a developer", access=WRITE, answers=Envelope, refusals=(404,)
)
def delete_developer(call: Call[Any, None], id: str) -> Answer:
    """Their keys are revoked."""
    services.delete_developer(developer=found(call, id))
    return ok("Data deleted")


@operation(
    "POST", "/api/portal/developers/verify_credentials", "Whether an e-mail address and a password are a developer's",
    access=READ, body=Credentials, answers=DeveloperDocument,
)  # fmt: skip
def verify_credentials(call: Call[Any, Credentials]) -> Answer | dict[str, Any]:
    """A wrong one counts as a failed sign-in to the portal; after five it is locked for a while."""
    email, password = call.body.username.strip().lower(), call.body.password
    if len(email) > LONGEST_EMAIL:
        return Refusal(401, WRONG).answer
    try:
        return document(signing_in.prove(email=email, password=password, visitor=address(call.request)))
    except SignInRefused as refused:  # answered, not raised: that would undo the count of wrong guesses
        return Refusal(401, str(refused)).answer


@operation(
    "POST", "/api/portal/developers/password/{id}", "Set a developer's password", access=WRITE, body=NewPassword,
    answers=Envelope, refusals=(404,),
)  # fmt: skip
def set_developer_password(call: Call[Any, NewPassword], id: str) -> Answer:
    """They are signed out everywhere."""
    signing_in.set_password(developer=found(call, id), password=call.body.password, action="set the password of")
    return ok("Password changed")
