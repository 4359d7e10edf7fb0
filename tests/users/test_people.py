"""Who may do what to whom, as the services hold it; the pages are in test_pages."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from orgs import roles, scope
from orgs.models import AuditEntry, Organisation
from orgs.permissions import Level, ObjectKind, Permissions, parse
from orgs.services import create_organisation
from tests.conftest import World, signed_in, user
from users import services
from users.models import AccessKey, Group, Session, User
from users.services import access_keys, groups, people
from users.services.errors import BeyondRights, EmailTaken, Gone, LastAdministrator, WeakPassword

MANAGES_USERS = {"users": "write", "user_groups": "write", "apis": "read"}


def held(**levels: str) -> Permissions:
    return parse(levels)


@pytest.fixture
def mo(in_acme: World) -> User:
    """Manages acme's users without being an administrator."""
    return services.create_user(email="mo@acme.example", name="Mo", permissions=parse(MANAGES_USERS))


def audit(**of: str) -> list[tuple[str, str, dict[str, Any]]]:
    return list(AuditEntry.objects.filter(**of).order_by("at").values_list("action", "object_name", "changes"))


def test_create_user_stores_and_records_what_was_given(in_acme: World) -> None:
    group = Group.objects.create(name="Readers", permissions={"keys": "read"})
    bob = services.create_user(
        email=" Bob@Acme.example", name="Bob", permissions=held(apis="write"), groups=[group], by=in_acme.ann
    )
    bob = User.objects.get(pk=bob.pk)
    assert (bob.email, bob.organisation_id, bob.is_unbounded) == ("bob@acme.example", in_acme.acme.pk, False)
    assert bob.effective_permissions == held(apis="write", keys="read")
    assert not bob.has_usable_password()
    changes = {
        "email": [None, "bob@acme.example"],
        "name": [None, "Bob"],
        "is_administrator": [None, False],
        "permissions": [None, {"apis": "write"}],
        "groups": [None, ["Readers"]],
    }
    assert audit(object_id=bob.pk) == [("created", "bob@acme.example", changes)]


def test_an_address_is_taken_within_its_organisation_alone(in_acme: World) -> None:
    services.create_user(email="gus@globex.example", name="Gus")
    with pytest.raises(EmailTaken, match=r"already a user with the e-mail address ann@acme\.example here"):
        services.create_user(email="ANN@acme.example", name="Ann")
    with pytest.raises(EmailTaken):
        services.update_user(user=in_acme.al, email="ann@acme.example", name="Al")
    assert User.objects.get(pk=in_acme.al.pk).email == "al@acme.example"


def test_a_weak_password_is_refused(in_acme: World) -> None:
    for password in ("short", "1234567890123", "walter@acme.example"):
        with pytest.raises(WeakPassword):
            services.create_user(email="walter@acme.example", name="Walter", password=password)


@pytest.mark.parametrize(
    "grant",
    [{"is_administrator": True}, {"permissions": held(apis="write")}, {"permissions": held(system="read")}],
)
def test_nobody_grants_what_they_do_not_hold(in_acme: World, mo: User, grant: dict[str, Any]) -> None:
    bob = services.create_user(email="bob@acme.example", name="Bob", by=mo)
    with pytest.raises(BeyondRights):
        services.create_user(email="eve@acme.example", name="Eve", by=mo, **grant)
    for target in (bob, mo):
        with pytest.raises(BeyondRights):
            services.update_user(user=target, email=target.email, name="X", by=mo, **grant)
    assert User.objects.get(pk=bob.pk).effective_permissions == held()
    assert User.objects.get(pk=mo.pk).effective_permissions == parse(MANAGES_USERS)


def test_a_group_grants_what_it_permits(in_acme: World, mo: User) -> None:
    strong = Group.objects.create(name="Strong", permissions={"system": "write"})
    bob = services.create_user(email="bob@acme.example", name="Bob", by=mo)
    for target in (bob, mo):
        with pytest.raises(BeyondRights, match="You cannot grant more than you hold yourself: System"):
            services.update_user(user=target, email=target.email, name="X", groups=[strong], by=mo)
    with pytest.raises(BeyondRights):
        services.create_user(email="eve@acme.example", name="Eve", groups=[strong], by=mo)


def everything_to(target: User, by: User) -> list[Callable[[], object]]:
    key, _ = access_keys.create_access_key(user=target, label="script")
    return [
        lambda: services.update_user(user=target, email=target.email, name="X", by=by),
        lambda: services.disable_user(user=target, by=by),
        lambda: services.enable_user(user=target, by=by),
        lambda: people.give_new_password(user=target, by=by),
        lambda: access_keys.revoke_access_key(key=key, by=by),
        lambda: access_keys.reset_access_key(key=key, by=by),
        lambda: services.delete_user(user=target, by=by),
    ]


@pytest.mark.parametrize("is_active", [True, False])
def test_nobody_acts_on_somebody_who_holds_more(in_acme: World, mo: User, is_active: bool) -> None:
    """A disabled user is worth what they held: else somebody could take them over and enable them."""
    strong = Group.objects.create(name="Strong", permissions={"system": "write"})
    through_group = services.create_user(email="sue@acme.example", name="Sue", groups=[strong])
    second = services.create_user(email="ada@acme.example", name="Ada", is_administrator=True)
    for target in (second, in_acme.al, through_group):
        if not is_active:
            services.disable_user(user=target, by=None)
        before = User.objects.filter(pk=target.pk).values().get()
        for act in everything_to(target, mo):
            with pytest.raises(BeyondRights):
                act()
        assert User.objects.filter(pk=target.pk).values().get() == before
        assert AccessKey.objects.filter(user=target).count() == 1


def test_nobody_acts_on_users_of_another_site(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        for by in (world.ann, world.uma):
            for act in everything_to(world.gus, by):
                with pytest.raises(BeyondRights):
                    act()
    with scope.opened(scope.INSTALLATION):
        for act in everything_to(world.uma, world.ann):
            with pytest.raises(BeyondRights):
                act()


def test_the_last_active_administrator_stays(in_acme: World) -> None:
    ann = in_acme.ann
    services.disable_user(
        user=services.create_user(email="ada@acme.example", name="Ada", is_administrator=True), by=ann
    )
    acts: list[Callable[[], object]] = [
        lambda: services.disable_user(user=ann, by=ann),
        lambda: services.delete_user(user=ann, by=ann),
        lambda: services.update_user(user=ann, email=ann.email, name="Ann", by=ann),
    ]
    for act in acts:
        with pytest.raises(LastAdministrator, match=r"ann@acme\.example is the last active administrator"):
            act()
    assert User.objects.filter(is_administrator=True, is_active=True).get() == ann
    services.create_user(email="eve@acme.example", name="Eve", is_administrator=True, by=ann)
    services.disable_user(user=User.objects.get(pk=ann.pk), by=ann)
    assert User.objects.get(is_administrator=True, is_active=True).email == "eve@acme.example"


def test_the_last_active_unbounded_user_stays(world: World) -> None:
    with scope.opened(scope.EVERYTHING):
        for act in (services.disable_user, services.delete_user):
            with pytest.raises(LastAdministrator, match="the last active unbounded user"):
                act(user=world.uma, by=world.uma)
        services.create_unbounded_user(email="ulf@hosting.example", name="Ulf")
        services.delete_user(user=world.uma, by=world.uma)
        assert [one.email for one in User.objects.filter(is_unbounded=True)] == ["ulf@hosting.example"]


def test_deleting_a_user_takes_what_lets_them_in(world: World) -> None:
    signed_in(world.al)
    with scope.opened(scope.of(world.acme.id)):
        access_keys.create_access_key(user=world.al, label="script")
        services.delete_user(user=world.al, by=world.ann)
        assert (Session.objects.count(), AccessKey.objects.count()) == (0, 0)
        assert audit(action="deleted") == [("deleted", "al@acme.example", {})]


def test_a_group_is_changed_only_by_who_holds_what_it_permits(in_acme: World, mo: User) -> None:
    mine = groups.create_group(name="Mine", description="", permissions=held(apis="read"), by=mo)
    services.update_user(
        user=mo, email=mo.email, name="Mo", permissions=parse(MANAGES_USERS), groups=[mine], by=in_acme.ann
    )
    mo = User.objects.get(pk=mo.pk)
    strong = groups.create_group(name="Strong", description="", permissions=held(system="write"), by=in_acme.ann)
    acts: list[Callable[[], object]] = [
        lambda: groups.create_group(name="New", description="", permissions=held(keys="read"), by=mo),
        lambda: groups.update_group(group=mine, name="Mine", description="", permissions=held(keys="read"), by=mo),
        lambda: groups.update_group(group=strong, name="Weak", description="", permissions=held(), by=mo),
        lambda: groups.delete_group(group=strong, by=mo),
    ]
    for act in acts:
        with pytest.raises(BeyondRights):
            act()
    stored = list(Group.objects.order_by("name").values_list("name", "permissions"))
    assert stored == [("Mine", {"apis": "read"}), ("Strong", {"system": "write"})]


def test_a_group_never_makes_administrators() -> None:
    assert {field.name for field in Group._meta.get_fields()} & {"is_administrator", "is_unbounded"} == set()


def test_levels_are_the_highest_of_all_sources(in_acme: World) -> None:
    reads = Group.objects.create(name="Reads", permissions={"apis": "read", "nonsense": "write"})
    writes = Group.objects.create(name="Writes", permissions={"apis": "write", "keys": "everything"})
    bob = services.create_user(email="b@acme.example", name="B", permissions=held(audit="read"), groups=[reads, writes])
    found = User.objects.get(pk=bob.pk)
    assert found.effective_permissions == held(apis="write", audit="read")
    assert signed_in(bob).get("/groups/").status_code == 403
    assert (found.level(ObjectKind.KEYS), found.level(ObjectKind.APIS)) == (Level.NONE, Level.WRITE)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Organisation]:
    """An organisation that other connections see: it is removed as the owner, since the web may not."""
    with django_db_blocker.unblock():
        made = create_organisation(slug="race", name="Race")
        yield made
        with roles.as_owner(), scope.opened(scope.of(made.id)):
            for model in (User, AuditEntry, Organisation):
                model.objects.all().delete()


def test_two_administrators_who_demote_each_other_leave_one(committed: Organisation) -> None:
    with scope.opened(scope.of(committed.id)):
        pair = [user(f"{name}@race.example", committed, is_administrator=True).pk for name in ("eva", "kim")]
    start, refused = threading.Barrier(2), []

    def demote(*ids: str) -> None:
        try:
            with scope.opened(scope.of(committed.id)):
                by, other = (User.objects.get(pk=pk) for pk in ids)
                start.wait()
                services.update_user(user=other, email=other.email, name=other.name, by=by)
        except LastAdministrator as error:
            refused.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=each) for each in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with scope.opened(scope.of(committed.id)):
        assert (User.objects.filter(is_administrator=True).count(), len(refused)) == (1, 1)


def test_somebody_promoted_meanwhile_is_beyond_those_below(world: World) -> None:
    """The page was read before; the service looks again."""
    with scope.opened(scope.of(world.acme.id)):
        editor = people.create_user(
            email="ed@acme.example", name="Ed", permissions=parse({"users": "write"}), by=world.ann
        )
        newcomer = people.create_user(email="new@acme.example", name="New", by=world.ann)
        stale = User.objects.get(pk=newcomer.pk)
        people.update_user(user=newcomer, email=newcomer.email, name="New", is_administrator=True, by=world.ann)
        with pytest.raises(BeyondRights):
            people.disable_user(user=stale, by=editor)
        assert User.objects.get(pk=newcomer.pk).is_active


def test_a_user_deleted_meanwhile_is_said_to_be_gone(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        stale = User.objects.get(pk=world.al.pk)
        people.delete_user(user=world.al, by=world.ann)
        with pytest.raises(Gone):
            people.disable_user(user=stale, by=world.ann)


def test_a_group_that_gives_more_meanwhile_is_beyond_those_below(in_acme: World, mo: User) -> None:
    group = groups.create_group(name="Desk", description="", permissions=held(apis="read"), by=in_acme.ann)
    stale = Group.objects.get(pk=group.pk)
    groups.update_group(group=group, name="Desk", description="", permissions=held(keys="write"), by=in_acme.ann)
    with pytest.raises(BeyondRights):
        groups.update_group(group=stale, name="Mine", description="", permissions=held(apis="read"), by=mo)
    assert Group.objects.get(pk=group.pk).permissions == {"keys": "write"}


def test_a_group_deleted_meanwhile_is_said_to_be_gone(in_acme: World) -> None:
    group = groups.create_group(name="Desk", description="", permissions=held(apis="read"), by=in_acme.ann)
    stale = Group.objects.get(pk=group.pk)
    groups.delete_group(group=group, by=in_acme.ann)
    with pytest.raises(Gone):
        groups.delete_group(group=stale, by=in_acme.ann)
