"""The groups of an organisation. At `/all/` there are none."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from orgs import paging
from orgs.http import OrgRequest
from orgs.listing import Column, listing
from orgs.paging import Sort
from orgs.permissions import Level, ObjectKind, may, parse, require
from users.forms import GroupForm
from users.models import Group
from users.services import groups
from users.services.errors import Refused

READ = require(ObjectKind.USER_GROUPS, Level.READ)
WRITE = require(ObjectKind.USER_GROUPS, Level.WRITE)
MOST_MEMBERS = 200
COLUMNS = (Column("Name"), Column("Description"), Column("Permissions"), Column("Members", kind="number"))


@READ
@require_safe
def index(request: OrgRequest) -> HttpResponse:
    with_members = Group.objects.annotate(members=Count("membership"))
    fields = ("id", "name", "description", "permissions", "members")
    page = paging.page(with_members, query=request.GET, sort=Sort("name"), fields=fields)
    can_write = may(request, ObjectKind.USER_GROUPS, Level.WRITE)
    empty = {
        "icon": "users-group",
        "title": "No user groups yet",
        "text": "A group gives the same permissions to several users.",
    }
    if can_write:
        empty |= {"action_url": f"{request.site.prefix}/groups/create/", "action_label": "Create a group"}
    context = listing(request, page, label="User groups", columns=COLUMNS, empty=empty)
    prefix = f"{request.site.prefix}/groups/"
    rows = [_row(prefix, *values) for values in page.rows]
    return render(request, "users/groups.html", context | {"rows": rows, "can_write": can_write})


def _row(
    prefix: str, id: str, name: str, description: str, permissions: dict[str, str], members: int
) -> tuple[str, ...]:
    levels = [f"{kind.label}: {level.name.lower()}" for kind, level in parse(permissions).items() if level]
    return f"{prefix}{id}/", name, description, ", ".join(levels) or "none", str(members)


@READ
@require_safe
def detail(request: OrgRequest, id: str) -> HttpResponse:
    group = get_object_or_404(Group, pk=id)
    context = {
        "page_title": group.name,
        "group": group,
        "permissions": [(kind.label, level.name.capitalize()) for kind, level in parse(group.permissions).items()],
        "members": [
            (f"{request.site.prefix}/users/{pk}/", email)
            for pk, email in group.users.order_by("email").values_list("pk", "email")[:MOST_MEMBERS]
        ],
        "can_write": may(request, ObjectKind.USER_GROUPS, Level.WRITE) and groups.may_act_on(request.user, group),
    }
    return render(request, "users/group.html", context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OrgRequest) -> HttpResponse:
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            group = groups.create_group(by=request.user, **form.values())
            return redirect("users:group", id=group.pk)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {
        "page_title": "Create a group",
        "form": form,
        "action": "Create the group",
        "cancel_url": "../",
    }
    return render(request, "users/form.html", context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OrgRequest, id: str) -> HttpResponse:
    group = get_object_or_404(Group, pk=id)
    initial = {"name": group.name, "description": group.description}
    form = GroupForm(request.POST or None, permissions=group.permissions, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            groups.update_group(group=group, by=request.user, **form.values())
            messages.success(request, f"{group.name} is saved.")
            return redirect("users:group", id=group.pk)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"page_title": f"Edit {group.name}", "form": form, "action": "Save", "cancel_url": "../"}
    return render(request, "users/form.html", context)


@WRITE
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: OrgRequest, id: str) -> HttpResponse:
    group = get_object_or_404(Group, pk=id)
    members = group.users.count()
    confirm = {
        "title": f"Delete the group {group.name}",
        "stops": [f"Its {members} member{'' if members == 1 else 's'} lose what only this group permits."],
        "undo": "No.",
        "action_label": "Delete the group",
        "cancel_url": f"{request.site.prefix}/groups/{group.pk}/",
    }
    if request.method == "POST":
        try:
            groups.delete_group(group=group, by=request.user)
            messages.success(request, f"{group.name} is deleted.")
            return redirect("users:groups")
        except Refused as refused:
            confirm["error"] = str(refused)
    return render(request, "users/confirm.html", {"page_title": group.name, "confirm": confirm})
