import re

import pytest

from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import SiteClient, World, signed_in
from users import services
from users.credentials import caller_of
from users.models import AccessKey, User


def create(client: SiteClient) -> str:
    token: str = client.post("/access-keys/create/", {"label": "script"}).context["secret"]["value"]
    return token


def user_of(token: str) -> User | None:
    with caller_of(token) as caller:
        return caller.user if caller else None


def key_id(token: str) -> str:
    with scope.opened(scope.EVERYTHING):
        return str(AccessKey.objects.get(visible=token[:8]).pk)


def test_a_key_is_shown_once_and_kept_as_a_digest(world: World) -> None:
    client = signed_in(world.al)
    token = create(client)
    assert re.fullmatch(r"[0-9a-f]{32}", token)
    page = client.get("/account/").content.decode()
    assert (token in page, f"{token[:8]}…" in page) == (False, True)
    with scope.opened(scope.of(world.acme.id)):
        stored = str(list(AccessKey.objects.values())) + str(list(AuditEntry.objects.values()))
    assert token not in stored


def test_a_key_is_found_by_its_token_alone(world: World) -> None:
    tokens = {person.email: create(signed_in(person)) for person in (world.al, world.gus, world.uma)}
    found = {email: user_of(token) for email, token in tokens.items()}
    assert {email: user and user.email for email, user in found.items()} == {email: email for email in tokens}
    token = tokens["al@acme.example"]
    other = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert [user_of(wrong) for wrong in (other, token[:8], token.upper() + "x", "", "é" * 32)] == [None] * 5


def test_a_key_of_a_disabled_user_is_none(world: World) -> None:
    token = create(signed_in(world.al))
    with scope.opened(scope.of(world.acme.id)):
        services.disable_user(user=world.al, by=world.ann)
    assert user_of(token) is None


def test_a_reset_gives_a_new_secret_under_the_same_label(world: World) -> None:
    client = signed_in(world.al)
    old = create(client)
    new = client.post(f"/access-keys/{key_id(old)}/reset/").context["secret"]["value"]
    assert user_of(old) is None
    with scope.opened(scope.of(world.acme.id)):
        assert list(AccessKey.objects.values_list("label", "visible")) == [("script", new[:8])]


@pytest.mark.parametrize("action", ["reset", "revoke"])
def test_a_key_of_another_organisation_does_not_exist(world: World, action: str) -> None:
    path = f"/access-keys/{key_id(create(signed_in(world.al)))}/{action}/"
    assert [signed_in(person).post(path).status_code for person in (world.gus, world.uma)] == [404, 404]


def test_others_may_only_revoke_and_only_from_above(world: World) -> None:
    of_al, of_ann = create(signed_in(world.al)), create(signed_in(world.ann))
    assert signed_in(world.ann).post(f"/access-keys/{key_id(of_al)}/reset/").status_code == 404
    assert signed_in(world.al).post(f"/access-keys/{key_id(of_ann)}/revoke/").status_code == 403
    assert signed_in(world.ann).post(f"/access-keys/{key_id(of_al)}/revoke/").status_code == 302
    assert (user_of(of_al), user_of(of_ann) is None) == (None, False)
