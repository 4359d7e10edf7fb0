"""A browser that comes to `/tap` with a nonce."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from orgs import roles, scope, services
from orgs.http import OrgRequest
from orgs.models import AuditEntry, Organisation
from tests.conftest import World
from users.models import Group, Session, SignInNonce, User
from users.services import beginning, create_user, single_sign_on
from users.services.errors import Refused


def nonce(world: World, email: str = "ann@acme.example", **fields: Any) -> str:
    how: dict[str, Any] = {"display_name": "", "groups": [], "is_for_registered_users": False} | fields
    with scope.opened(scope.of(world.acme.id)):
        return single_sign_on.create_nonce(email=email, **how)


def tap(nonce: str, client: Client | None = None) -> HttpResponse:
    return (client or Client()).get("/tap", {"nonce": nonce})  # type: ignore[return-value]


def sessions() -> int:
    with scope.opened(scope.EVERYTHING):
        return Session.objects.count()


@pytest.mark.parametrize("path", ["/tap", "/tap/"])
def test_a_nonce_signs_in_on_its_own_site(world: World, path: str) -> None:
    client = Client()
    response = client.get(path, {"nonce": nonce(world)})
    assert (response.status_code, response["Location"]) == (302, "/o/acme/")
    assert client.get("/o/acme/account/").status_code == 200
    assert client.get("/o/globex/account/").status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        assert AuditEntry.objects.filter(action="signed in", actor="ann@acme.example").exists()


def test_a_nonce_is_good_once(world: World) -> None:
    once = nonce(world)
    assert tap(once).status_code == 302
    assert tap(once).status_code == 410
    assert sessions() == 1


def test_all_dead_nonces_look_alike(world: World) -> None:
    used, late = nonce(world), nonce(world)
    tap(used)
    with scope.opened(scope.of(world.acme.id)):
        SignInNonce.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answers = [tap(text) for text in (used, late, "never" * 10, "", "\0", "é")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(410, answers[0].content)}
    assert single_sign_on.GONE in answers[0].content.decode()
    assert sessions() == 1


def test_looking_at_the_address_uses_nothing_up(world: World) -> None:
    once = nonce(world)
    assert Client().head("/tap", {"nonce": once}).status_code == 200
    assert Client().post(f"/tap?nonce={once}").status_code == 405
    assert tap(once).status_code == 302


def test_a_nonce_is_used_up_also_by_who_may_not_come_in(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        User.objects.filter(pk=world.al.pk).update(is_active=False)
    once = nonce(world, "al@acme.example")
    assert "disabled" in tap(once).content.decode()
    assert single_sign_on.GONE in tap(once).content.decode()
    assert sessions() == 0


@pytest.mark.parametrize("email", ["ann@acme.example", "new@acme.example"])
def test_a_suspended_organisation_lets_nobody_in(world: World, email: str) -> None:
    once = nonce(world, email)
    with scope.opened(scope.of(world.acme.id)):
        services.suspend(organisation=world.acme, reason="Unpaid")
    answer = tap(once)
    assert (answer.status_code, "Acme is suspended: Unpaid" in answer.content.decode()) == (410, True)
    assert sessions() == 0
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.count() == 2


def test_who_is_no_user_yet_becomes_one_with_the_groups_permissions_alone(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        group = Group.objects.create(name="Readers", permissions={"apis": "read"})
    client = Client()
    assert tap(nonce(world, "new@acme.example", display_name="Neo", groups=[group]), client).status_code == 302
    assert client.get("/o/acme/apis/").status_code == 200
    assert client.get("/o/acme/keys/").status_code == 403
    with scope.opened(scope.of(world.acme.id)):
        made = User.objects.get(email="new@acme.example")
        assert (made.name, made.is_administrator, made.has_usable_password()) == ("Neo", False, False)
        assert AuditEntry.objects.filter(action="created", object_id=made.pk, actor="single sign-on").exists()


def test_no_group_is_no_permission(world: World) -> None:
    tap(nonce(world, "new@acme.example"))
    with scope.opened(scope.of(world.acme.id)):
        made = User.objects.get(email="new@acme.example")
        assert (made.is_administrator, made.permissions, made.groups.count()) == (False, {}, 0)


def test_only_users_come_in_where_that_was_asked(world: World) -> None:
    answer = tap(nonce(world, "new@acme.example", is_for_registered_users=True))
    assert (answer.status_code, single_sign_on.STRANGER in answer.content.decode().replace("&#x27;", "'")) == (
        410,
        True,
    )
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.count() == 2


def test_a_user_keeps_their_own_permissions(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        group = Group.objects.create(name="Powers", permissions={"apis": "write"})
    tap(nonce(world, "al@acme.example", groups=[group]))
    with scope.opened(scope.of(world.acme.id)):
        assert User.objects.get(pk=world.al.pk).groups.count() == 0


def test_a_namesake_elsewhere_is_not_let_in(world: World) -> None:
    """The nonce is acme's: gus of globex becomes a new user of acme, without any right."""
    client = Client()
    tap(nonce(world, "gus@globex.example"), client)
    assert client.get("/o/globex/account/").status_code == 302
    with scope.opened(scope.of(world.acme.id)):
        assert not User.objects.get(email="gus@globex.example").is_administrator


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What other connections see is taken away again; the installation's trail by the owner, since the web may not."""
    with django_db_blocker.unblock():
        yield
        with scope.opened(scope.EVERYTHING):
            made = list(Organisation.objects.all())
        for organisation in made:
            services.delete_organisation(organisation=organisation, cascade=True)
        with roles.as_owner(), scope.opened(scope.INSTALLATION):
            AuditEntry.objects.all().delete()
        connection.close()


def twice_at_once(deed: Callable[[], object]) -> list[str]:
    """Return what became of a deed that two do at the same moment: the names of their exceptions."""
    start, ends = threading.Barrier(2), []

    def do() -> None:
        start.wait()
        try:
            with transaction.atomic():
                deed()
            ends.append("done")
        except Refused as refused:
            ends.append(type(refused).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=do) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


def test_of_two_browsers_with_one_nonce_one_comes_in(committed: None) -> None:
    organisation = services.create_organisation(slug="race", name="Race")
    with scope.opened(scope.of(organisation.id)):
        create_user(email="eva@race.example", name="Eva")
        once = single_sign_on.create_nonce(
            email="eva@race.example", display_name="", groups=[], is_for_registered_users=True
        )
    request = cast(OrgRequest, RequestFactory().get("/tap"))
    ends = twice_at_once(lambda: single_sign_on.sign_in_with_nonce(request=request, nonce=once))
    assert ends == ["SignInRefused", "done"]
    assert sessions() == 1


def test_two_beginnings_at_once_make_one(committed: None) -> None:
    names = iter(["One", "Two"])

    def deed() -> None:
        name = next(names)
        beginning.begin(
            slug="", organisation_name=name, email="ann@race.example", name="Ann", password="a wholly new password"
        )

    assert twice_at_once(deed) == ["BegunAlready", "done"]
    with scope.opened(scope.EVERYTHING):
        assert (Organisation.objects.count(), User.objects.count()) == (1, 1)
