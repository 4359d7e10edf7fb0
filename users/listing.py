"""The list of users."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from orgs import paging
from orgs.display import when
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may
from orgs.sites import Kind
from users.models import Invitation, User

SORTS = {
    "email": Sort("email"),
    "-email": Sort("-email"),
    "newest": Sort("-created_at", is_moment=True),
    "oldest": Sort("created_at", is_moment=True),
}
COLUMNS = (
    Column("E-mail address", "email", "-email"),
    Column("Name"),
    Column("Role"),
    Column("State"),
    Column("Last sign-in"),
    Column("Created", "newest", "oldest"),
)
STATE = Select("state", "State", (("", "Any state"), ("active", "Active"), ("disabled", "Disabled")))
ROLE = Select("role", "Role", (("", "Any role"), ("administrator", "Administrators"), ("user", "Others")))
FIELDS = ("id", "email", "name", "is_administrator", "is_unbounded", "is_active", "last_login", "created_at")


def narrowed(users: "QuerySet[User]", query: QueryDict) -> "QuerySet[User]":
    if begins := query.get("q", "").replace("\0", "").strip().lower():
        users = users.filter(email__begins_with=begins)
    if query.get("state") in ("active", "disabled"):
        users = users.filter(is_active=query["state"] == "active")
    if query.get("role") in ("administrator", "user"):
        users = users.filter(is_administrator=query["role"] == "administrator")
    return users


def user_list(request: OrgRequest, users: "QuerySet[User]") -> dict[str, Any]:
    """Return the context of the page."""
    is_all = request.site.kind == Kind.ALL
    name, sort = paging.sort_of(request.GET, SORTS)
    page = paging.page(narrowed(users, request.GET), query=request.GET, sort=sort, fields=FIELDS)
    context = listing(
        request,
        page,
        label="Unbounded users" if is_all else "Users",
        columns=COLUMNS,
        sort=name,
        search="E-mail address begins with",
        selects=(STATE,) if is_all else (STATE, ROLE),
        empty={"icon": "users", "title": "No users yet"},
    )
    can_write = may(request, ObjectKind.USERS, Level.WRITE)
    prefix = f"{request.site.prefix}/users/"
    return context | {
        "rows": [_row(prefix, *values) for values in page.rows],
        "can_write": can_write,
        "invitations": _invitations(request, prefix),
    }


def _row(
    prefix: str,
    id: str,
    email: str,
    name: str,
    is_administrator: bool,
    is_unbounded: bool,
    is_active: bool,
    last_login: datetime | None,
    created_at: datetime,
) -> tuple[str, ...]:
    role = "Administrator" if is_administrator else "Unbounded" if is_unbounded else "User"
    state = "active" if is_active else "disabled"
    return f"{prefix}{id}/", email, name, role, state, when(last_login), when(created_at)


def _invitations(request: OrgRequest, prefix: str) -> list[tuple[str, str, str]]:
    pending = Invitation.objects.filter(organisation=request.site.organisation).order_by("email")[:50]
    return [(one.email, when(one.expires_at), f"{prefix}invitations/{one.pk}/revoke/") for one in pending]
