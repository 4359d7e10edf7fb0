"""Users. Unbounded users see those of every organisation here, and change each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from orgs.http import address
from orgs.machines import Access, Answer, Call, Paged, Refusal, Streamed, find, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.machines.lists import sorted_by
from orgs.permissions import Level, ObjectKind
from users import services, wire
from users.models import Membership, User
from users.services import access_keys, passwords
from users.services.errors import BeyondRights, WrongPassword

READ, WRITE = (ObjectKind.USERS, Level.READ), (ObjectKind.USERS, Level.WRITE)
MISSING = "Could not retrieve user detail."
TAKEN = "User email already exists for this org."
OF_ORGANISATION = "An unbounded user changes nothing of an organisation."
SORTS = {"email_address": "email", "created_at": "created_at", "name": "name", "last_login_date": "last_login"}


class UserQuery(Paged):
    """`q` is a part of the e-mail address."""

    search: str = ""


class Filters(msgspec.Struct):
    query: str | None = None


class Search(msgspec.Struct):
    filters: Filters | None = None


class UserList(msgspec.Struct):
    users: list[wire.UserDocument]
    pages: int


class NewPassword(msgspec.Struct):
    """`current_password` is one's own present one; whose password is set by somebody else has none to say."""

    new_password: str
    current_password: str | None = None
    user_permissions: dict[str, str] | None = None


def documents(users: Iterable[User]) -> Iterator[dict[str, Any]]:
    """Yield the users with their groups, which are asked for together."""
    users = list(users)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    memberships = Membership.objects.filter(user_id__in=[user.pk for user in users]).order_by("group_id")
    for user_id, group_id in memberships.values_list("user_id", "group_id"):
        groups[user_id].append(group_id)
    for user in users:
        yield wire.user_document(user, groups[user.pk])


def document(user: User, access_key: str = "") -> dict[str, Any]:
    (found,) = documents([user])
    return found | {"access_key": access_key}


def render(rows: Iterable[User]) -> Iterator[bytes]:
    return map(msgspec.json.encode, documents(rows))


def page(call: Call[UserQuery, Any], text: str) -> Answer | Streamed:
    rows = User.objects.all()
    if wanted := text.strip().lower():
        rows = rows.filter(email__contains=wanted)
    return page_of(call, sorted_by(rows, call.query.sort, SORTS), render, name="users")


def changeable(call: Call[Any, Any], id: str) -> User:
    """Return the user whom the caller wants to change; an organisation's is not an unbounded user's to change."""
    user = find(call, User.objects.all(), MISSING, pk=id)
    if call.user.is_unbounded and not user.is_unbounded:
        raise Refusal(403, OF_ORGANISATION)
    return user


def own_or_changeable(call: Call[Any, Any], id: str) -> User:
    """Return oneself, as everybody may; others only to who may change users."""
    if id == call.user.pk:
        return call.user
    if not call.user.is_unbounded and call.user.level(ObjectKind.USERS) < Level.WRITE:
        raise Refusal(403, f"access denied: You do not have permission to access  {call.request.path}")
    return changeable(call, id)


@operation("GET", "/api/users", "The users", access=READ, query=UserQuery, answers=UserList)
def list_users(call: Call[UserQuery, None]) -> Answer | Streamed:
    return page(call, call.query.q or call.query.search)


@operation("GET", "/api/users/search", "Search users by address", access=READ, query=UserQuery, answers=UserList)
def search_users(call: Call[UserQuery, None]) -> Answer | Streamed:
    return page(call, call.query.q or call.query.search)


@operation(
    "POST",
    "/api/users/search",
    "Search users by address, with a body",
    access=READ,
    query=UserQuery,
    body=Search,
    answers=UserList,
    by_unbounded=True,
)
def search_users_by_body(call: Call[UserQuery, Search]) -> Answer | Streamed:
    return page(call, (call.body.filters and call.body.filters.query) or "")


@operation("GET", "/api/users/me", "The user of the access key", access=Access.SIGNED_IN, answers=wire.UserDocument)
def me(call: Call[Any, None]) -> dict[str, Any]:
    return document(call.user)


@operation("GET", "/api/users/{id}", "A user", access=READ, answers=wire.UserDocument, refusals=(404,))
def get_user(call: Call[Any, None], id: str) -> dict[str, Any]:
    return document(find(call, User.objects.all(), MISSING, pk=id))


@operation("POST", "/api/users", "Create a user", access=WRITE, body=wire.UserBody, answers=Envelope, by_unbounded=True)
def create_user(call: Call[Any, wire.UserBody]) -> Answer:
    """Without a password they sign in after a reset; their access keys they make themselves."""
    sent = call.body
    require_own(call)
    if sent.access_key:
        raise Refusal(400, "access_key is made here: leave it out.")
    wanted = wire.read_user(sent, call.document)
    require_same_resets(wanted, may=False)
    how = wanted.identity | {"is_active": wanted.is_active, "password": sent.password or None}
    with wire.taken_as(TAKEN):
        if call.user.is_unbounded:
            wire.require_unbounded(wanted)
            user = services.create_unbounded_user(**how)
        else:
            user = services.create_user(**how, **wanted.rights, by=call.user)
    return ok("User and session have been created", user.pk)


def require_own(call: Call[Any, Any]) -> None:
    """Refuse the id of any organisation but the caller's, whether there is one or not."""
    if call.body.org_id not in (None, "", call.user.organisation_id):
        raise Refusal(400, wire.FOREIGN)


def require_same_resets(wanted: wire.Wanted, *, may: bool) -> None:
    if wanted.may_reset_passwords not in (None, may):
        raise BeyondRights("ResetPassword is given and taken by the Admin API alone.")


@operation(
    "PUT",
    "/api/users/{id}",
    "Change a user",
    access=WRITE,
    body=wire.UserBody,
    answers=Envelope,
    refusals=(404,),
    by_unbounded=True,
)
def update_user(call: Call[Any, wire.UserBody], id: str) -> Answer:
    user, sent = changeable(call, id), call.body
    require_own(call)
    if sent.password:
        raise Refusal(400, "password: a user's password is set by actions/reset.")
    wanted = wire.read_user(sent, call.document, user)
    require_same_resets(wanted, may=user.may_reset_passwords)
    with wire.taken_as(TAKEN):
        change(user, wanted, sent, by=call.user)
    return ok("User updated")


def change(user: User, wanted: wire.Wanted, sent: wire.UserBody, *, by: User | None) -> None:
    """Change a user to what is wanted, in the scope that is open."""
    if sent.id not in (None, "", user.pk):
        raise Refusal(400, "id: a user keeps its id.")
    if sent.access_key and not access_keys.is_access_key_of(user, sent.access_key):
        raise Refusal(400, "access_key is made here: leave it out.")
    if user.is_unbounded:
        wire.require_unbounded(wanted)
        services.update_user(user=user, **wanted.identity, by=by)
    else:
        services.update_user(user=user, **wanted.identity, **wanted.rights, by=by)
    if wanted.is_active != user.is_active:
        switch = services.enable_user if wanted.is_active else services.disable_user
        switch(user=user, by=by)


@operation(
    "DELETE", "/api/users/{id}", "Delete a user", access=WRITE, answers=Envelope, refusals=(404,), by_unbounded=True
)
def delete_user(call: Call[Any, None], id: str) -> Answer:
    services.delete_user(user=changeable(call, id), by=call.user)
    return ok("User deleted")


@operation(
    "PUT",
    "/api/users/{id}/actions/key/reset",
    "Stop a user's access keys",
    access=Access.SIGNED_IN,
    answers=Envelope,
    refusals=(403, 404),
    by_unbounded=True,
)
def reset_access_key(call: Call[Any, None], id: str) -> Answer:
    """One's own are replaced by a new one, which is in `Meta`, this once."""
    user = own_or_changeable(call, id)
    return ok("User session renewed", access_keys.replace_access_keys(user=user, by=call.user))


@operation(
    "POST",
    "/api/users/{id}/actions/reset",
    "Set a user's password",
    access=Access.SIGNED_IN,
    body=NewPassword,
    answers=Envelope,
    refusals=(403, 404),
    by_unbounded=True,
)
def reset_password(call: Call[Any, NewPassword], id: str) -> Answer:
    user, sent = own_or_changeable(call, id), call.body
    if user.pk != call.user.pk:
        passwords.set_password(user=user, new=sent.new_password, by=call.user)
        return ok("User password updated")
    try:
        present, visitor = sent.current_password or "", address(call.request)
        passwords.set_own_password(user=user, present=present, new=sent.new_password, visitor=visitor)
    except WrongPassword as refused:  # answered, not raised: that would undo the count of wrong guesses
        return Refusal(403, str(refused)).answer
    return ok("User password updated")


@operation(
    "PUT",
    "/api/users/{id}/actions/revoke",
    "Disable a user",
    access=WRITE,
    answers=Envelope,
    refusals=(404,),
    by_unbounded=True,
)
def revoke_user(call: Call[Any, None], id: str) -> Answer:
    services.disable_user(user=changeable(call, id), by=call.user)
    return ok("User revoked")
