"""What an attacker with an access key tried, each mended since."""

import logging
import time
from typing import Any

import pytest

from apis.definition import MAX_VALUES, validate
from apis.tyk_fields import type_problems
from dashboard.logs import WithoutLinks
from keys.rights import ApiAccess
from orgs import scope
from orgs.models import AuditEntry
from tests.conftest import World
from tests.keys.test_services import make_api, make_basic_api, make_key, make_policy
from tests.machines.client import Machine, admin, machine_of, read


@pytest.fixture
def gus(world: World) -> Machine:
    return machine_of(world.gus)


def definition(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Orders", "active": True,
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": "/orders-of-globex/", "target_url": "https://orders.example/"},
    } | fields  # fmt: skip


@pytest.mark.parametrize("name", ["versions", "Versions", "VERSIONS", "ver\u017fions"])
def test_no_version_leads_to_another_organisations_api(world: World, gus: Machine, name: str) -> None:
    """Gateways read the name in any case, and ask of no API whose it is."""
    with scope.opened(scope.of(world.acme.id)):
        theirs = make_api().api_id
    sent = definition(definition={"location": "header", "key": "v", name: {"v2": theirs}})
    assert gus.post("/api/apis", {"api_definition": sent}).status_code == 400


def test_no_id_is_freed_that_a_version_leads_to(world: World, gus: Machine) -> None:
    """Whoever takes the id next, in any organisation, would get the calls."""
    version = definition(name="Orders v2", proxy={"listen_path": "/v2/", "target_url": "https://orders.example/"})
    assert gus.post("/api/apis", version | {"api_id": "orders-v2"}).status_code == 200
    base = definition(definition={"location": "header", "key": "v", "versions": {"v2": "orders-v2"}})
    id = read(gus.post("/api/apis", base))["Meta"]
    assert gus.delete("/api/apis/orders-v2").status_code == 409
    assert gus.put("/api/apis/orders-v2", version | {"api_id": "orders-v3"}).status_code == 409
    assert gus.put("/api/apis/orders-v2", version | {"active": False}).status_code == 200
    assert gus.put(f"/api/apis/{id}", definition()).status_code == 200
    assert gus.put("/api/apis/orders-v2", version | {"api_id": "orders-v3"}).status_code == 200
    assert gus.delete("/api/apis/orders-v3").status_code == 200


METADATA = "http://169.254.169.254/latest/"


@pytest.mark.parametrize(
    "url",
    [
        "http://\uff11\uff16\uff19.254.169.254/",
        "http://169\u3002254\uff61169\uff0e254/",
        "http://169.254.169.254\u00ad/",
        "http://%EF%BC%91%EF%BC%96%EF%BC%99.254.169.254/",
        "\uff11\uff16\uff19.254.169.254:80",
        "http://\u24dcetadata.google.internal/",
        "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254%25eth0]:80/",
        "http://[::1%25lo]/",
    ],
)
def test_addresses_are_read_as_gateways_dial_them(url: str) -> None:
    """Go maps the digits and dots of other scripts, and takes a zone after an IPv6 address."""
    versions = {"not_versioned": True, "versions": {"Default": {"name": "Default", "override_target": url}}}
    assert validate(definition(version_data=versions))


def test_names_of_other_scripts_are_still_taken() -> None:
    versions = {"Default": {"name": "Default", "override_target": "https://b\u00fccher.example/"}}
    assert not validate(definition(version_data={"not_versioned": True, "versions": versions}))


@pytest.mark.parametrize("url", ["url", "URL", "Url"])
def test_addresses_are_looked_at_in_any_case(url: str) -> None:
    source = {"kind": "REST", "name": "x", "config": {url: METADATA}}
    assert validate(definition(graphql={"engine": {"data_sources": [source]}}))


@pytest.mark.parametrize(
    ("meta", "is_refused"),
    [
        ({"Target_Path": METADATA}, True),
        ({"Template_Path": "/etc/passwd"}, True),
        ({"target_path": "https://hooks.example/", "template_path": "templates/own.json"}, False),
    ],
)
def test_event_handlers_are_looked_at_in_any_case(meta: dict[str, str], is_refused: bool) -> None:
    handler = {"handler_name": "eh_web_hook_handler", "handler_meta": meta}
    assert bool(validate(definition(event_handlers={"events": {"QuotaExceeded": [handler]}}))) is is_refused


@pytest.mark.parametrize(
    "fields",
    [
        {"jwt_source": "aHR0cDovLzE2OS4yNTQuMTY5LjI1NC9sYXRlc3Qv"},
        {"upstream_auth": {"oauth": {"client_credentials": {"token_url": METADATA}}}},
    ],
)
def test_addresses_are_found_where_they_hide(fields: dict[str, Any]) -> None:
    assert validate(definition(**fields))


@pytest.mark.parametrize("through_policy", [False, True])
def test_authentication_cannot_make_a_username_a_key(world: World, gus: Machine, through_policy: bool) -> None:
    with scope.opened(scope.of(world.globex.id)):
        basic = make_basic_api()
        policy = make_policy("Gold", basic)
    opens = {"apply_policies": [policy.pk]} if through_policy else {
        "access_rights": {basic.api_id: {"api_id": basic.api_id, "versions": ["Default"]}}
    }  # fmt: skip
    user = opens | {"basic_auth_data": {"password": "hunter22hunter22"}}
    assert gus.post("/api/apis/keys/basic/alice", user).status_code == 200
    path = f"/api/apis/{basic.pk}"
    changed = read(gus.get(path))["api_definition"] | {"use_basic_auth": False, "use_standard_auth": True}
    assert gus.put(path, {"api_definition": changed}).status_code == 400
    assert gus.delete("/api/keys/alice?username=true").status_code == 200
    assert gus.put(path, {"api_definition": changed}).status_code == 200


def test_crowds_are_refused_before_they_are_looked_at(world: World, gus: Machine) -> None:
    with scope.opened(scope.of(world.globex.id)):
        api = make_api().api_id
    many = [{"url": f"/{n}", "methods": ["GET"]} for n in range(1001)]
    rights = {"access_rights": {api: {"api_id": api, "versions": ["Default"], "allowed_urls": many}}}
    for path, body in [
        ("/api/keys", rights),
        ("/api/keys", [rights]),
        ("/api/portal/policies", rights | {"name": "Gold"}),
        ("/api/keys", {"apply_policies": [f"{n:024x}" for n in range(51)]}),
        (
            "/api/users",
            {"email_address": "a@globex.example", "user_permissions": {f"p{n}": "read" for n in range(101)}},
        ),
        ("/api/users", {"email_address": "a@globex.example", "user_group_ids": [f"{n:024x}" for n in range(101)]}),
    ]:
        assert gus.post(path, body).status_code == 400, path


def test_many_sessions_together_name_no_crowd(gus: Machine) -> None:
    sessions = [{"apply_policies": [f"{n:024x}" for n in range(50 * at, 50 * at + 50)]} for at in range(101)]
    refused = gus.post("/api/keys", sessions)
    assert (refused.status_code, "different" in read(refused)["Message"]) == (400, True)


def test_many_unknown_names_are_looked_at_quickly(gus: Machine) -> None:
    """They took seconds of every thread of a process, which serves all organisations."""
    begun = time.process_time()
    assert not list(type_problems({f"{n:06x}": 0 for n in range(200_000)}))
    assert time.process_time() - begun < 0.5
    refused = gus.post("/api/apis", definition() | {f"{n:06x}": 0 for n in range(MAX_VALUES)})
    assert (refused.status_code, "more than 200,000 values" in read(refused)["Message"]) == (400, True)


@pytest.mark.parametrize("path", ["/api/users", "/api/usergroups"])
def test_what_is_kept_does_not_grow_by_and_by(gus: Machine, path: str) -> None:
    made = read(gus.post(path, {"name": "Kept", "email_address": "kept@globex.example"}))["Meta"]
    answers = [gus.put(f"{path}/{made}", {f"field {n}": "x" * 9_000}).status_code for n in range(3)]
    assert answers == [200, 200, 400]


@pytest.mark.parametrize("path", ["/api/users", "/api/usergroups"])
@pytest.mark.parametrize(("levels", "status"), [(98, 200), (101, 400), (400, 400), (940, 400), (100_000, 400)])
def test_what_is_kept_is_not_too_deep_for_pages(gus: Machine, path: str, levels: int, status: int) -> None:
    """Unbounded users have it in lists of every organisation: one row would stop them all."""
    nested = "[" * levels + "]" * levels
    sent = f'{{"name": "Deep", "email_address": "deep@globex.example", "kept": {nested}}}'
    assert gus.post(path, sent).status_code == status


def test_names_of_spaces_are_not_kept(gus: Machine) -> None:
    user = {"email_address": "kept@globex.example", "first_name": " " * 100_000 + "Kept"}
    made = read(gus.post("/api/users", user))["Meta"]
    assert read(gus.get(f"/api/users/{made}"))["first_name"] == "Kept"


@pytest.mark.parametrize(
    "power", [{"is_Superuser": True}, {"IS_ADMINISTRATOR": 1}, {"user_permissions": {"isadmin": "admin"}}]
)
def test_powers_are_refused_in_any_case(gus: Machine, power: dict[str, Any]) -> None:
    assert gus.post("/api/users", {"email_address": "a@globex.example"} | power).status_code in (400, 403)


def test_a_chosen_id_shows_nobody_anything_else(world: World, gus: Machine) -> None:
    """Who sees every organisation asks for a policy or an API, and is shown the one that has this id."""
    with scope.opened(scope.of(world.acme.id)):
        api = make_api()
        policy = make_policy("Gold", api)
        key, _ = make_key(accesses=[ApiAccess(api.pk)])
    decoy = read(gus.post("/api/apis", definition(api_id=api.pk)))["ID"]
    rights = {"access_rights": {decoy: {"api_id": decoy, "versions": ["Default"]}}}
    assert (decoy, gus.post("/api/portal/policies", rights | {"name": "Fool", "id": policy.pk}).status_code) == (
        api.pk,
        200,
    )
    uma = machine_of(world.uma)
    assert read(uma.get(f"/api/portal/policies/{policy.pk}"))["name"] == "Gold"
    assert read(uma.get(f"/api/apis/{api.pk}/keys"))["data"]["keys"] == [key.hash]
    assert read(gus.get(f"/api/portal/policies/{policy.pk}"))["name"] == "Fool"


@pytest.mark.parametrize(
    "path",
    [
        "/api/keys/ S3CRET",
        "/api/keys//S3CRET",
        "/api//keys/S3CRET",
        "/api/apis//keys/S3CRET",
        "/api/apis/a b/keys/S3CRET",
        "/api/activity/keys/S3CRET/1/1/2026/1/1/2026",
        "/api/activity//keys/aggregate/S3CRET,x/1/1/2026/1/1/2026",
        "/api/portal//developers/a b/keys/S3CRET/reset_quota",
    ],
)
def test_no_key_is_in_a_log_however_its_path_is_written(path: str) -> None:
    record = logging.makeLogRecord({"msg": "%s: %s", "args": ("Not Found", path)})
    WithoutLinks().filter(record)
    assert "S3CRET" not in record.getMessage()


def test_an_organisations_key_holds_no_secret_in_any_case(world: World) -> None:
    """Gateways read names in any case; and the organisation's own users read its audit trail."""
    limits: dict[str, Any] = {"org_id": world.acme.id, "rate": 100, "per": 1}
    for name, value in ("Access_Rights", {"orders": {"api_id": "orders"}}), ("HMAC_String", "S3CRET"):
        assert admin().post("/admin/org/keys", limits | {name: value}).status_code == 400
    assert admin().post("/admin/org/keys", limits | {"own_password": "S3CRET"}).status_code == 200
    with scope.opened(scope.of(world.acme.id)):
        changes = AuditEntry.objects.get(action="limited").changes
    assert changes == {"rate": [None, 100], "per": [None, 1], "kept fields": [None, ["own_password"]]}
