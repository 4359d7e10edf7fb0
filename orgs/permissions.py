"""What a user may do: a level for each kind of object. Nothing said is nothing allowed."""

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum, StrEnum
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from orgs.http import OrgRequest
from orgs.sites import Kind

P = ParamSpec("P")


class ObjectKind(StrEnum):
    APIS = "apis"
    KEYS = "keys"
    POLICIES = "policies"
    CERTIFICATES = "certificates"
    WEBHOOKS = "webhooks"
    OAUTH_CLIENTS = "oauth_clients"
    USERS = "users"
    USER_GROUPS = "user_groups"
    PORTAL = "portal"
    ANALYTICS = "analytics"
    SYSTEM = "system"
    AUDIT = "audit"

    @property
    def label(self) -> str:
        return {"apis": "APIs", "oauth_clients": "OAuth clients"}.get(self, self.replace("_", " ").capitalize())


class Level(IntEnum):
    NONE = 0
    READ = 1
    WRITE = 2


Permissions = Mapping[ObjectKind, Level]
NO_PERMISSIONS: Permissions = dict.fromkeys(ObjectKind, Level.NONE)


def parse(stored: Mapping[str, str]) -> Permissions:
    """Read the stored form, {"apis": "write"}; what it does not name, or names wrongly, is no permission."""
    names = {level.name.lower(): level for level in Level}
    return {kind: names.get(stored.get(kind, ""), Level.NONE) for kind in ObjectKind}


def stored(permissions: Permissions) -> dict[str, str]:
    return {kind.value: level.name.lower() for kind, level in permissions.items() if level > Level.NONE}


def highest(several: Iterable[Permissions]) -> Permissions:
    levels: dict[ObjectKind, Level] = dict(NO_PERMISSIONS)
    for permissions in several:
        for kind, level in permissions.items():
            levels[kind] = max(levels[kind], level)
    return levels


def within(some: Permissions, others: Permissions) -> bool:
    """Whether nothing in `some` goes beyond `others`."""
    return all(level <= others[kind] for kind, level in some.items())


View = Callable[Concatenate[OrgRequest, P], HttpResponseBase]
DjangoView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def require(kind: ObjectKind, level: Level) -> Callable[[View[P]], DjangoView[P]]:
    """Refuse with 403 who lacks this level. Every view of a site has this, `signed_in` or `public`."""

    def decorate(view: View[P]) -> DjangoView[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            org_request = cast(OrgRequest, request)
            check(org_request, kind, level)
            return view(org_request, *args, **kwargs)

        return _marked(cast(DjangoView[P], guarded), (kind, level))

    return decorate


def check(request: OrgRequest, kind: ObjectKind, level: Level) -> None:
    """Raise PermissionDenied unless the user has the level here and now."""
    if reason := refusal(request, kind, level):
        raise PermissionDenied(reason)


def may(request: OrgRequest, kind: ObjectKind, level: Level) -> bool:
    """Whether to show what leads there."""
    return not refusal(request, kind, level)


def refusal(request: OrgRequest, kind: ObjectKind, level: Level) -> str:
    """Say why the user has not the level here and now; nothing if they have."""
    if request.site.kind == Kind.ALL and kind == ObjectKind.USERS:
        return ""  # the users of `/all/` are the unbounded ones, who manage each other
    if level == Level.WRITE and (reason := refusal_of_changes(request)):
        return reason
    return (
        "" if request.user.level(kind) >= level else f"This needs the permission to {level.name.lower()} {kind.label}."
    )


def refusal_of_changes(request: OrgRequest) -> str:
    if request.site.is_read_only:
        return "This is a visit: you see everything and change nothing."
    if request.organisation and request.organisation.is_suspended:
        return f"{request.organisation.name} is suspended: nothing can be changed."
    return ""


def signed_in(view: View[P]) -> DjangoView[P]:
    """For pages that every signed-in user has, such as their own account."""
    return _marked(cast(DjangoView[P], view), "signed in")


def public(view: View[P]) -> DjangoView[P]:
    """For the few pages before sign-in."""
    return _marked(login_not_required(cast(DjangoView[P], view)), "public")


def _marked(view: DjangoView[P], access: Any) -> DjangoView[P]:
    view.access = access  # type: ignore[attr-defined]
    return view
