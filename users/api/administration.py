"""Users of every organisation, for who holds the admin secret."""

from typing import Any

from orgs import scope
from orgs.machines import Access, Answer, Call, Refusal, find, ok, operation
from orgs.machines.answers import Envelope
from orgs.models import Organisation
from users import services, wire
from users.api.users import MISSING, change, document
from users.models import User
from users.services import access_keys, passwords, people

ADMIN = Access.ADMIN_SECRET
TAKEN = "User email already exists for this Org"
NO_ORGANISATION = "org_id: there is no such organisation."


class Documented(Envelope, rename="pascal"):
    """`message` is the access key where one was made, `meta` the user."""

    meta: wire.UserDocument


def scope_of_payload(call: Call[Any, Any], organisation_id: str | None) -> scope.Scope:
    """Return the scope that a body names: an empty id means no organisation, so it has to be said."""
    if organisation_id is None:
        raise Refusal(400, "org_id: name the organisation; empty is an unbounded user.")
    if organisation_id and not Organisation.objects.filter(pk=organisation_id).exists():
        raise Refusal(400, NO_ORGANISATION)
    return scope.of_owner(organisation_id)


@operation("POST", "/admin/users", "Create a user", access=ADMIN, body=wire.UserBody, answers=Documented)
def create_user(call: Call[Any, wire.UserBody]) -> Answer:
    """The access key is shown this once. An organisation's first user is its administrator where nothing is said."""
    sent = call.body
    if sent.access_key:
        raise Refusal(400, "access_key is made here: leave it out.")
    with scope.opened(scope_of_payload(call, sent.org_id)), wire.taken_as(TAKEN):
        wanted = wire.read_user(sent, call.document)
        how = wanted.identity | {"is_active": wanted.is_active, "password": sent.password or None}
        if sent.org_id:
            if not sent.user_permissions and not wanted.groups and not User.objects.exists():
                wanted.is_administrator = True
            user = services.create_user(**how, **wanted.rights)
            people.allow_resets(user=user, allowed=bool(wanted.may_reset_passwords))
        else:
            wire.require_unbounded(wanted)
            user = services.create_unbounded_user(**how)
        _, token = access_keys.create_access_key(user=user, label="Admin API")
        user.refresh_from_db()
        return ok(token, document(user, token))


def found(call: Call[Any, Any], id: str) -> User:
    return find(call, User.objects.all(), MISSING, pk=id)


@operation("GET", "/admin/users/{id}", "A user", access=ADMIN, answers=wire.UserDocument, refusals=(404,))
def get_user_as_admin(call: Call[Any, None], id: str) -> dict[str, Any]:
    return document(found(call, id))


@operation(
    "PUT", "/admin/users/{id}", "Change a user", access=ADMIN, body=wire.UserBody, answers=Documented, refusals=(404,)
)
def update_user_as_admin(call: Call[Any, wire.UserBody], id: str) -> Answer:
    user, sent = found(call, id), call.body
    if sent.org_id not in (None, "", user.organisation_id):
        raise Refusal(400, "org_id: a user stays in their organisation.")
    with scope.opened(scope.of_owner(user.organisation_id)), wire.taken_as(TAKEN):
        wanted = wire.read_user(sent, call.document, user)
        change(user, wanted, sent, by=None)
        if wanted.may_reset_passwords is not None and not user.is_unbounded:
            people.allow_resets(user=user, allowed=wanted.may_reset_passwords)
        if sent.password:
            passwords.set_password(user=user, new=sent.password, by=None)
        return ok("User updated", document(user))


def _allow(call: Call[Any, None], id: str, *, allowed: bool) -> Answer:
    user = found(call, id)
    if user.is_unbounded:
        raise Refusal(400, "An unbounded user sets the passwords of the others already.")
    with scope.opened(scope.of_owner(user.organisation_id)):
        return ok("User updated", document(people.allow_resets(user=user, allowed=allowed)))


@operation(
    "PUT",
    "/admin/users/{id}/actions/allow_reset_passwords",
    "Let a user set the passwords of others",
    access=ADMIN,
    answers=Documented,
    refusals=(404,),
)
def allow_resets(call: Call[Any, None], id: str) -> Answer:
    return _allow(call, id, allowed=True)


@operation(
    "PUT",
    "/admin/users/{id}/actions/disallow_reset_passwords",
    "Let a user no longer set the passwords of others",
    access=ADMIN,
    answers=Documented,
    refusals=(404,),
)
def disallow_resets(call: Call[Any, None], id: str) -> Answer:
    return _allow(call, id, allowed=False)
