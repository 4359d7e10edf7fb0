"""What every call has in common: credentials, forms of paths and bodies, limits and refusals."""

import pytest
from django.conf import settings
from pytest_django import Settings

from dashboard import machines
from dashboard.rates import Rates
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World, signed_in
from tests.machines.client import Machine, admin, machine_of, read, stranger
from users.models import AccessKey


@pytest.mark.parametrize("path", ["/hello", "/hello/", "/admin/hello/"])
def test_hello_needs_no_credential_nor_a_slash(db: None, path: str) -> None:
    assert read(Machine().get(path))["status"] == "ok"
    assert Machine().call("HEAD", path).status_code == 200


@pytest.mark.parametrize("scheme", ["{}", "Bearer {}", "bearer {}"])
def test_access_key_is_taken_bare_and_as_bearer(world: World, scheme: str) -> None:
    ann = machine_of(world.ann)
    called = Machine(authorization=scheme.format(ann.headers["authorization"])).get("/api/users/me")
    assert (called.status_code, read(called)["email_address"]) == (200, world.ann.email)


def test_refusals_are_compact_json_with_meta_last(world: World) -> None:
    assert stranger().get("/api/users/me").content == b'{"Status":"Error","Message":"Not authorised","Meta":null}'


@pytest.mark.parametrize("token", ["", "N/A", "0" * 32, "x" * 10_000, "\u00e9"])
def test_wrong_access_keys_are_not_authorised(world: World, token: str) -> None:
    machine_of(world.ann)
    assert Machine(authorization=token).get("/api/users/me").status_code == 401


def test_disabled_users_keys_are_refused(world: World) -> None:
    ann = machine_of(world.ann)
    with scope.opened(scope.of(world.acme.id)):
        type(world.ann).objects.filter(pk=world.ann.pk).update(is_active=False)
    assert ann.get("/api/users/me").status_code == 401


def test_session_of_a_browser_opens_nothing_here(world: World) -> None:
    machine = Machine()
    machine.client.cookies = signed_in(world.ann).cookies
    assert machine.get("/api/users/me").status_code == 401


def test_admin_secret_opens_the_admin_api_alone(world: World) -> None:
    assert admin().get("/admin/system/reload").status_code == 200
    assert admin().get("/api/users/me").status_code == 401
    both = Machine(authorization="N/A", **{"admin-auth": settings.ADMIN_SECRET})
    assert both.get("/admin/system/reload").status_code == 200
    assert machine_of(world.ann).get("/admin/system/reload").status_code == 401


@pytest.mark.parametrize("secret", ["", "short", "x" * 23])
def test_admin_api_is_off_without_a_good_secret(world: World, settings: Settings, secret: str) -> None:
    settings.ADMIN_SECRET = secret
    called = Machine(**{"admin-auth": secret}).get("/admin/system/reload")
    assert called.status_code == 403
    assert "ADMIN_SECRET" in read(called)["Message"]


def test_every_call_of_the_admin_api_is_in_the_audit_trail(world: World) -> None:
    admin().get("/admin/system/reload/")
    with scope.opened(scope.INSTALLATION):
        line = AuditEntry.objects.filter(kind="admin_api").latest("at")
    assert (line.actor, line.object_name) == ("admin secret", "GET /admin/system/reload/")


def test_unknown_paths_and_methods_are_said_to_be_so(world: World) -> None:
    ann = machine_of(world.ann)
    assert ann.get("/api/nothing/").status_code == 404
    refused = ann.delete("/api/users/me")
    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(world: World) -> None:
    ann = machine_of(world.ann)
    refused = ann.client.get("/api/users/me", headers=ann.headers, CONTENT_LENGTH="10000001")
    assert refused.status_code == 413


def test_a_body_whose_length_nobody_says_is_not_taken_for_an_empty_one(world: World) -> None:
    ann = machine_of(world.ann)
    refused = ann.client.post("/api/usergroups", headers=ann.headers | {"transfer-encoding": "chunked"})
    assert (refused.status_code, "Content-Length" in refused.json()["Message"]) == (400, True)


def test_one_credential_may_not_call_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = Rates(per_second=0.1, burst=3)
    monkeypatch.setattr(machines, "calls_of_credentials", lambda: rates)
    ann, gus = machine_of(world.ann), machine_of(world.gus)
    assert [ann.get("/api/users/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert 1 <= int(ann.get("/api/users/me").headers["Retry-After"]) <= 10
    assert gus.get("/api/users/me").status_code == 200


def test_guessing_is_stopped_after_a_while(world: World) -> None:
    ann = machine_of(world.ann)
    answers = [stranger().get("/api/users/me").status_code for _ in range(21)]
    assert answers == [401] * 20 + [429]
    assert ann.get("/api/users/me").status_code == 200


def test_last_use_of_an_access_key_is_noted_once_in_a_while(world: World) -> None:
    ann = machine_of(world.ann)
    ann.get("/api/users/me")
    with scope.opened(scope.of(world.acme.id)):
        first = AccessKey.objects.get().last_used_at
    assert first is not None
    ann.get("/api/users/me")
    with scope.opened(scope.of(world.acme.id)):
        assert AccessKey.objects.get().last_used_at == first


def test_too_many_parameters_are_refused_kindly(world: World) -> None:
    refused = machine_of(world.ann).get("/api/users/me?" + "&".join(f"a{n}=1" for n in range(2000)))
    assert (refused.status_code, read(refused)["Status"]) == (400, "Error")


def test_charset_of_the_content_type_is_of_no_interest(world: World) -> None:
    called = machine_of(world.ann).get(
        "/api/users?q=al%40acme.example", **{"content-type": "application/json; charset=utf-16"}
    )
    assert [user["email_address"] for user in read(called)["users"]] == ["al@acme.example"]
