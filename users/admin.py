"""Users and what lets them in, in the Django admin. Permissions and groups are given on their own pages.

`/all/admin/` changes the rows of unbounded users, and those only.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from orgs.admin import OrgModelAdmin
from orgs.http import OrgRequest
from orgs.permissions import ObjectKind, Permissions, parse, stored
from orgs.sites import Kind
from users.models import AccessKey, Group, User
from users.services import access_keys, groups, invitations, people
from users.services.errors import Refused


def in_words(permissions: Permissions) -> str:
    return ", ".join(f"{kind}: {level}" for kind, level in stored(permissions).items()) or "none"


class PeopleAdmin(OrgModelAdmin):
    kind = ObjectKind.USERS
    refused = (Refused,)

    def may_write(self, request: Any, obj: Any = None) -> bool:
        if request.site.kind == Kind.ALL:
            return obj is None or obj.organisation_id is None
        return super().may_write(request, obj)


class UserAdmin(PeopleAdmin):
    """Who is no administrator changes neither whether somebody is one, nor whether somebody may sign in."""

    audit_kind = people.KIND
    page = "users"
    list_display = ("email", "name", "is_administrator", "is_active")
    list_filter = ("is_administrator", "is_active")
    fields = (*list_display, "permissions_held", "group_names", "created_at")
    writable = ("email", "name")
    can_delete = True

    def get_readonly_fields(self, request: Any, obj: User | None = None) -> list[str]:
        writable = {
            "is_active": request.user.is_administrator or request.user.is_unbounded,
            "is_administrator": request.user.is_administrator,
        }
        return [name for name in super().get_readonly_fields(request, obj) if not writable.get(name)]

    @admin.display(description="Permissions")
    def permissions_held(self, user: User) -> str:
        return in_words(user.held_permissions)

    @admin.display(description="Groups")
    def group_names(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "none"

    def save(self, request: OrgRequest, obj: User, data: Mapping[str, Any]) -> User:
        user = people.update_user(
            user=obj,
            email=data["email"],
            name=data["name"],
            is_administrator=data.get("is_administrator", obj.is_administrator),
            permissions=parse(obj.permissions),
            groups=obj.groups.all(),
            by=request.user,
        )
        if data.get("is_active", user.is_active) != user.is_active:
            change = people.disable_user if user.is_active else people.enable_user
            change(user=user, by=request.user)
        return user

    def remove(self, request: OrgRequest, obj: User) -> None:
        people.delete_user(user=obj, by=request.user)


class GroupAdmin(OrgModelAdmin):
    kind = ObjectKind.USER_GROUPS
    audit_kind = groups.KIND
    page = "groups"
    list_display = ("name", "description")
    fields = ("name", "description", "permissions_given")
    writable = ("name", "description")
    can_delete = True
    refused = (Refused,)

    @admin.display(description="Permissions")
    def permissions_given(self, group: Group) -> str:
        return in_words(parse(group.permissions))

    def save(self, request: OrgRequest, obj: Group, data: Mapping[str, Any]) -> Group:
        return groups.update_group(
            group=obj,
            name=data["name"],
            description=data["description"],
            permissions=parse(obj.permissions),
            by=request.user,
        )

    def remove(self, request: OrgRequest, obj: Group) -> None:
        groups.delete_group(group=obj, by=request.user)


class InvitationAdmin(PeopleAdmin):
    audit_kind = invitations.KIND
    list_display = ("email", "name", "is_administrator", "expires_at")
    fields = ("email", "name", "is_administrator", "permissions", "expires_at")


class AccessKeyAdmin(PeopleAdmin):
    audit_kind = access_keys.KIND
    list_display = ("label", "visible", "user", "created_at", "last_used_at")

    def get_list_select_related(self, request: HttpRequest) -> tuple[str, ...]:
        return ("user", *super().get_list_select_related(request))

    fields = ("label", "visible", "user", "created_at", "last_used_at")
    can_delete = True

    def remove(self, request: OrgRequest, obj: AccessKey) -> None:
        access_keys.revoke_access_key(key=obj, by=request.user)
