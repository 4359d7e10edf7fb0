"""Every way to ask for rows: an error without a scope, and in a scope only its own rows."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django import forms
from django.db import DatabaseError, ProgrammingError, models, transaction
from django.db.models import OuterRef, Prefetch

from keys.models import Key, KeyTerm
from orgs import scope, walls
from orgs.models import AuditEntry, OrgManager
from orgs.proof import queries
from orgs.proof.world import World as Rows
from orgs.proof.world import make_world, undone
from tests.conftest import World
from users.models import AccessKey, Group, Membership, User

MODELS = walls.models_of_organisations()
# Written before any scope is open, as a class body or a module does.
AT_IMPORT = User.objects.filter(is_active=True).order_by("email")


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Membership
        fields = ("user", "group")


@pytest.fixture
def rows(db: None) -> Rows:
    return make_world()


@pytest.mark.parametrize("way", queries.READING | queries.WRITING)
def test_query_without_a_scope_is_an_error(rows: Rows, way: str) -> None:
    query = (queries.READING | queries.WRITING)[way]
    for model, row in rows.rows[rows.a].items():
        with undone(), pytest.raises(scope.NoScope):
            query(model, row)


def reached(query: queries.Query, rows: Rows, models_: list[type[models.Model]]) -> set[tuple[bool, bool]]:
    """Return whether the query reached the row of `a` and that of `b`, over these models."""
    return {
        (bool(query(model, rows.rows[rows.a][model])), bool(query(model, rows.rows[rows.b][model])))
        for model in models_
    }


@pytest.mark.parametrize("way", queries.READING)
def test_query_in_a_scope_finds_its_own_row_alone(rows: Rows, way: str) -> None:
    lockable = [model for model in MODELS if "UPDATE" in model.web_may]  # type: ignore[attr-defined]
    with scope.opened(scope.of(rows.a)):
        asked = lockable if way == "select_for_update" else MODELS
        assert reached(queries.READING[way], rows, asked) == {(True, False)}


@pytest.mark.parametrize("way", [way for way in queries.READING if way != "select_for_update"])
def test_query_over_everything_finds_both(rows: Rows, way: str) -> None:
    with scope.opened(scope.EVERYTHING):
        assert reached(queries.READING[way], rows, MODELS) == {(True, True)}


@pytest.mark.parametrize("way", queries.WRITING)
def test_change_over_everything_changes_nothing(rows: Rows, way: str) -> None:
    for model, row in rows.rows[rows.b].items():
        with undone(), scope.opened(scope.EVERYTHING):
            try:
                changed = queries.WRITING[way](model, row)
            except ProgrammingError:  # permission denied
                changed = 0
        assert changed == 0


def emails(found: Any) -> list[str]:
    return sorted(user.email for user in found)


def ann_and_al() -> list[str]:
    return ["al@acme.example", "ann@acme.example"]


def test_queryset_from_import_time_takes_the_scope_of_whoever_runs_it(world: World) -> None:
    with pytest.raises(scope.NoScope):
        list(AT_IMPORT.all())
    with scope.opened(scope.of(world.acme.id)):
        assert emails(AT_IMPORT.all()) == ann_and_al()
    with scope.opened(scope.of(world.globex.id)):
        assert emails(AT_IMPORT.all()) == ["gus@globex.example"]


def test_queryset_of_one_scope_runs_in_the_other_as_the_other(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        written_in_acme = User.objects.filter(name__gt="")
    with scope.opened(scope.of(world.globex.id)):
        assert emails(written_in_acme) == ["gus@globex.example"]


def test_form_offers_only_what_is_in_scope(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        Group.objects.create(name="Strangers")
        form = MembershipForm()
        assert "gus@globex.example" in str(form["user"])
        assert "Strangers" in str(form["group"])
    with scope.opened(scope.of(world.acme.id)):
        form = MembershipForm()
        assert "ann@acme.example" in str(form["user"])
        assert "gus@globex.example" not in str(form["user"])
        assert "Strangers" not in str(form["group"])
    with pytest.raises(scope.NoScope):
        str(MembershipForm()["user"])


def test_form_refuses_another_organisations_choice(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        group = Group.objects.create(name="Own")
        form = MembershipForm({"user": world.gus.pk, "group": group.pk})
        assert set(form.errors) == {"user"}


def test_related_objects_are_in_scope_too(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        key = AccessKey.objects.create(user=world.gus, label="his", visible="x", digest="d", organisation=world.globex)
    with scope.opened(scope.of(world.acme.id)):
        stranger = User.from_db("default", ["id"], [world.gus.pk])
        assert list(stranger.access_keys.all()) == []
        assert list(AccessKey.objects.filter(user__email="gus@globex.example")) == []
        with pytest.raises(User.DoesNotExist):
            _ = AccessKey(user_id=world.gus.pk).user
    with pytest.raises(scope.NoScope):
        list(world.gus.access_keys.all())
    with pytest.raises(scope.NoScope):
        _ = AccessKey.from_db("default", ["id", "user_id"], [key.pk, world.gus.pk]).user


def test_joins_prefetches_and_subqueries_stay_in_scope(world: World) -> None:
    for organisation, person in ((world.acme, world.ann), (world.globex, world.gus)):
        with scope.opened(scope.of(organisation.id)):
            group = Group.objects.create(name="Everyone")
            Membership.objects.create(user=person, group=group)
    with scope.opened(scope.of(world.acme.id)):
        found = Group.objects.prefetch_related(Prefetch("users", User.objects.all())).get()
        assert emails(found.users.all()) == ["ann@acme.example"]
        assert [m.user.email for m in Membership.objects.select_related("user", "group")] == ["ann@acme.example"]
        inner = Membership.objects.filter(user=OuterRef("pk"))
        assert emails(User.objects.filter(models.Exists(inner))) == ["ann@acme.example"]


def test_rows_in_hand_cannot_be_saved_from_another_scope(world: World) -> None:
    gus = world.gus
    with scope.opened(scope.of(world.acme.id)):
        gus.name = "Taken"
        with pytest.raises(DatabaseError), transaction.atomic():
            gus.save(update_fields=["name"])
    with scope.opened(scope.of(world.globex.id)):
        assert User.objects.get().name == "Gus"


@pytest.mark.parametrize("how", ["create", "bulk_create", "get_or_create", "update_or_create"])
def test_rows_cannot_be_made_for_another_organisation(world: World, how: str) -> None:
    fields: dict[str, Any] = {"name": "Planted", "organisation_id": world.globex.id}
    make: Callable[[], Any] = {
        "bulk_create": lambda: Group.objects.bulk_create([Group(**fields)]),
        "create": lambda: Group.objects.create(**fields),
        "get_or_create": lambda: Group.objects.get_or_create(**fields),
        "update_or_create": lambda: Group.objects.update_or_create(**fields),
    }[how]
    with scope.opened(scope.of(world.acme.id)), pytest.raises(DatabaseError, match="row-level security"):
        make()


def test_rows_cannot_be_moved(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        group = Group.objects.create(name="Ours")
        group.organisation_id = world.globex.id
        with pytest.raises(DatabaseError, match="row-level security"):
            group.save()


@pytest.mark.parametrize("how", ["update", "bulk_update", "delete"])
def test_rows_of_another_organisation_are_left_alone_in_bulk(world: World, how: str) -> None:
    with scope.opened(scope.of(world.globex.id)):
        group = Group.objects.create(name="Theirs")
    with scope.opened(scope.of(world.acme.id)):
        if how == "bulk_update":
            group.name = "Changed"
            assert Group.objects.bulk_update([group], ["name"]) == 0
        elif how == "update":
            assert Group.objects.filter(pk=group.pk).update(name="Changed") == 0
        else:
            assert group.delete() == (0, {})
    with scope.opened(scope.of(world.globex.id)):
        assert Group.objects.get().name == "Theirs"


def test_key_cannot_be_found_by_anothers_word(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        key = Key.objects.create(alias="Secret plan", hash_algorithm="sha256", hash="h", digest="d", masked="…")
        KeyTerm.objects.create(key=key, term="secret")
    with scope.opened(scope.of(world.acme.id)):
        assert list(KeyTerm.objects.filter(term__begins_with="sec")) == []


def test_audit_line_cannot_be_changed_by_its_own_organisation(in_acme: World) -> None:
    entry = AuditEntry.objects.create(organisation=in_acme.acme, actor="ann", action="created", kind="key")
    entry.actor = "al"
    with pytest.raises(DatabaseError, match="permission denied"):
        entry.save()


def test_new_thread_does_not_inherit_the_scope(world: World) -> None:
    outcome: list[str] = []

    def ask() -> None:
        try:
            scope.current()
            outcome.append("inherited")
        except scope.NoScope:
            outcome.append("refused")

    with scope.opened(scope.of(world.acme.id)):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert outcome == ["refused"]


def test_interleaved_tasks_each_have_their_own_scope(db: None) -> None:
    async def task(name: str) -> list[str]:
        token = scope._open.set(scope.of(name))
        seen = []
        for _ in range(20):
            await asyncio.sleep(0)
            seen.append(scope.current_organisation_id())
        scope._open.reset(token)
        return seen

    async def together() -> list[list[str]]:
        return await asyncio.gather(*(task(name * 24) for name in "abcd"))

    assert asyncio.run(together()) == [[name * 24] * 20 for name in "abcd"]


def test_every_owned_model_uses_the_scoped_manager_everywhere() -> None:
    managers = {manager.__class__ for model in MODELS[:-1] for manager in (model._base_manager, model._default_manager)}
    assert all(issubclass(manager, OrgManager) for manager in managers)
