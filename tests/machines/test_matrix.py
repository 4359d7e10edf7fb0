"""Every operation of the JSON API, by whoever may call: its declaration says what is to come back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model, Value
from django.db.models.functions import Replace
from django.http import HttpResponse

from apis.models import Api, Certificate, OAuthClient, Webhook
from dashboard import machines
from dashboard.rates import Rates
from keys.models import Key, Policy
from orgs import scope
from orgs.ids import is_id
from orgs.machines import Access, Operation
from orgs.machines.operations import ROUTES
from orgs.models import AuditEntry, Organisation
from orgs.permissions import Level, ObjectKind
from orgs.proof.world import undone
from orgs.walls import owned_models
from portal.models import Developer
from tests.conftest import PASSWORD, World, signed_in, user
from tests.machines import objects
from tests.machines.client import Machine, admin, content, machine_of, stranger
from tests.machines.objects import FREELY, Names, kinds_of, never, path_of, path_with
from users.models import AccessKey, Group, Session, User

MARK = "ACME-SECRET"
MARKED: dict[type[Model], tuple[str, ...]] = {
    AccessKey: ("label",),
    Certificate: ("subject",),
    Developer: ("name",),
    Group: ("name", "description"),
    Key: ("alias",),
    OAuthClient: ("description",),
    Organisation: ("name",),
    Policy: ("name",),
    User: ("name",),
    Webhook: ("name",),
}
WATCHED = [model for model in owned_models() if model not in (AuditEntry, Session)]
# What a service may find wrong with what an entitled caller sends.
OBJECTIONS = {400, 404, 409, 412, 422}
# Why somebody who may do it in general may not do it here: rank, the last administrator, one's own account.
FORBIDDEN = {403}


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "FAILURES", Rates(0, 0))
    monkeypatch.setattr(machines, "calls_of_credentials", lambda: Rates(0, 0))


@dataclass(frozen=True)
class Full:
    """Two organisations with an object of each kind; all texts of acme's are marked."""

    world: World
    acme: Names
    globex: Names


@pytest.fixture
def full(world: World) -> Full:
    made = Full(world, objects.make(world.acme, world.ann), objects.make(world.globex, world.gus))
    with scope.opened(scope.of(world.acme.id)):
        for model, fields in MARKED.items():
            model._default_manager.update(**dict.fromkeys(fields, f"{MARK}-{model.__name__.lower()}"))
        for name in ("Orders", "Tokens"):
            marked = {field: Replace(field, Value(name), Value(f"{MARK}-api")) for field in ("definition", "openapi")}
            Api.objects.update(**marked)
    return made


# What changes send where there is nothing to read at their paths.
BODIES: dict[str, Any] = {"/api/users/{id}/actions/reset": {"new_password": PASSWORD}}


def documents_of(full: Full) -> dict[str, bytes]:
    """Return by its path what each change of acme's objects may send: what there is, as who may read it gets it."""
    machine, secret = machine_of(full.world.ann), admin()
    found = {path: json.dumps(body).encode() for path, body in BODIES.items()}
    for operation in ROUTES.operations:
        if operation.method == "GET" and operation.path not in found:
            reads = secret if operation.access == Access.ADMIN_SECRET else machine
            found[operation.path] = content(reads.get(path_of(operation, full.acme)))
    return found


def call(machine: Machine, operation: Operation, path: str, documents: dict[str, bytes] | None = None) -> HttpResponse:
    body = (documents or {}).get(operation.path, b"{}") if operation.body is not None else None
    return machine.call(operation.method, path, body)


def disabled(world: World) -> Machine:
    machine = machine_of(world.ann)
    with scope.opened(scope.of(world.acme.id)):
        User.objects.filter(pk=world.ann.pk).update(is_active=False)
    return machine


def browser(world: World) -> Machine:
    machine = Machine()
    machine.client.cookies = signed_in(world.ann).cookies
    return machine


CALLERS: dict[str, Callable[[World], Machine]] = {
    "administrator": lambda world: machine_of(world.ann),
    "reader": lambda world: machine_of(world.al),
    "without permissions": lambda world: machine_of(user("nobody@acme.example", world.acme)),
    "of another organisation": lambda world: machine_of(world.gus),
    "unbounded": lambda world: machine_of(world.uma),
    "admin secret": lambda world: admin(),
    "no key": lambda world: Machine(),
    "garbage": lambda world: stranger(),
    "disabled": disabled,
    "browser": browser,
}
WITH_KEY = ("administrator", "reader", "without permissions", "of another organisation", "unbounded")
OUTSIDE = ("of another organisation", "no key", "garbage", "disabled", "browser")


def expected(operation: Operation, who: str) -> set[int]:
    """Return the statuses that this caller may get, of acme's objects."""
    may_do = {operation.status} | ((OBJECTIONS | FORBIDDEN) if operation.changes else set())
    if operation.access == Access.PUBLIC:
        return may_do
    if operation.access == Access.ADMIN_SECRET:
        return may_do - FORBIDDEN if who == "admin secret" else {401}
    if who not in WITH_KEY:
        return {401}
    if who == "unbounded" and operation.kind == ObjectKind.ANALYTICS:
        return {400, 404}  # whose requests, the query would have to say
    if who == "unbounded" and operation.changes:
        return OBJECTIONS | FORBIDDEN | {operation.status} if operation.by_unbounded else {403}
    if who == "without permissions" and operation.kind:
        return {403}
    if who == "reader" and operation.level == Level.WRITE:
        return {403}
    if who == "of another organisation" and "{" in operation.path and not is_of_nobody(operation):
        return {404, 400} if operation.changes else {404}
    return may_do


def is_of_nobody(operation: Operation) -> bool:
    """Whether all that the path names is text of the client's choice."""
    return {*kinds_of(operation)} <= {*FREELY}


@pytest.mark.parametrize("who", CALLERS)
def test_everybody_gets_what_the_declaration_says(full: Full, who: str) -> None:
    documents, machine = documents_of(full), CALLERS[who](full.world)
    found = {}
    for operation in ROUTES.operations:
        with undone():
            status = call(machine, operation, path_of(operation, full.acme), documents).status_code
        if status not in expected(operation, who):
            found[f"{operation.method} {operation.path}"] = status
    assert found == {}


@pytest.mark.parametrize("who", OUTSIDE)
def test_nothing_of_an_organisation_is_told_or_changed_outside_it(full: Full, who: str) -> None:
    machine, before = CALLERS[who](full.world), rows_of(full.world)
    secrets = {MARK, *(row["id"] for rows in before.values() for row in rows if is_id(str(row.get("id"))))}
    told, changed = {}, {}
    for operation in ROUTES.operations:
        path, name = path_of(operation, full.acme), f"{operation.method} {operation.path}"
        with undone():
            answer = call(machine, operation, path)
            after = rows_of(full.world)
        text = content(answer).decode() + str(answer.headers)
        if said := {secret for secret in secrets if secret in text and secret not in path}:
            told[name] = said
        if differing := {table for table in before if before[table] != after[table]}:
            changed[name] = differing
    assert told == {}
    assert changed == {}


def test_its_own_administrator_is_told_all_of_it(full: Full) -> None:
    """Or the test above would prove nothing."""
    machine = machine_of(full.world.ann)
    readable = [each for each in ROUTES.operations if each.access == Access.PERMITTED and not each.changes]
    text = b"".join(content(machine.get(f"{path_of(each, full.acme)}?p=-1")) for each in readable).decode()
    kinds = {kind for each in readable for kind in kinds_of(each)} - {*FREELY}
    assert {kind for kind in kinds if full.acme[kind] not in text} == set()
    marked = {"api", *(model.__name__.lower() for model in MARKED)} & kinds
    assert {kind for kind in marked if f"{MARK}-{kind}" not in text} == set()


def test_what_is_another_organisations_is_as_what_never_was(full: Full) -> None:
    """Each parameter of a path in turn, where the others are one's own."""
    documents, machine, found = documents_of(full), machine_of(full.world.gus), {}
    for operation in ROUTES.operations:
        own = [full.globex[kind] for kind in kinds_of(operation)]
        for place, kind in enumerate(kinds_of(operation)):
            answers = []
            for name in (full.acme[kind], never(full.acme[kind])):
                path = path_with(operation, [*own[:place], name, *own[place + 1 :]])
                with undone():
                    answer = call(machine, operation, path, documents)
                answers.append((answer.status_code, content(answer)))
            if answers[0] != answers[1]:
                found[f"{operation.method} {operation.path}, {kind}"] = answers
    assert found == {}


def test_own_objects_are_found_by_their_names(full: Full) -> None:
    """Or the test above would compare two mistakes of ours."""
    machine = machine_of(full.world.gus)
    reading = [each for each in ROUTES.operations if each.access == Access.PERMITTED and not each.changes]
    paths = [path_of(each, full.globex) for each in reading]
    assert {path: machine.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


Rows = dict[str, list[dict[str, Any]]]


def rows_of(world: World) -> Rows:
    """Return acme's rows by their tables, in one statement; not its trail, where visits are noted."""
    tables = [model._meta.db_table for model in WATCHED]
    parts = [f"SELECT '{table}', to_jsonb({table})::text AS row FROM {table}" for table in tables]  # noqa: S608
    found: Rows = {table: [] for table in tables}
    with scope.opened(scope.of(world.acme.id)), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts) + " ORDER BY row")
        for table, row in cursor.fetchall():
            found[table].append(json.loads(row))
    return found
