"""With a real Tyk Gateway: it runs off an installation of Commonhold, and keeps to what that says within two seconds.

Skipped unless TYK_GATEWAY_BIN names its program and TYK_GATEWAY_HOME the folder of its templates.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apis.pem import key_pem, self_signed
from tests.gateways import real
from tests.gateways.exchanges import IN_GENERATION_3, IN_GENERATION_5
from tests.gateways.real import Fleet, Organisation, Recorder

pytestmark = pytest.mark.skipif(not real.PROGRAM, reason="TYK_GATEWAY_BIN names no gateway")
GONE = (401, 403, 404)
OAUTH = {"allowed_access_types": ["client_credentials"], "allowed_authorize_types": [], "auth_login_redirect": ""}
BACK = "https://shop.example/back"  # gateways give a client without one no tokens
HOST = "apis.acme.example"
KEYLESS = {"use_keyless": True, "use_standard_auth": False}
GIVE_API_SECRET = f"""
from gateways.services import ensure_default_group, update_group
update_group(group=ensure_default_group()[0], api_url="http://127.0.0.1:1", api_secret="{real.API_SECRET}")
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with real.fleet(tmp_path_factory.mktemp("gateway"), tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def acme(fleet: Fleet) -> Organisation:
    return Organisation(fleet.server, "acme-ltd")


@pytest.fixture(scope="module")
def globex(fleet: Fleet) -> Organisation:
    return Organisation(fleet.server, "globex")


def test_key_opens_its_api_and_stops_when_it_is_told_to(fleet: Fleet, acme: Organisation) -> None:
    _, orders = acme.api("orders", fleet.upstream)
    key = acme.key(orders)
    token, hash, path = key["key_id"], key["key_hash"], acme.path("orders")
    fleet.gateway.until(path, token, 200)
    session = acme.call("GET", f"/api/keys/{hash}?hashed=true")["data"]
    acme.call("PUT", f"/api/keys/{hash}?hashed=true", session | {"is_inactive": True})
    fleet.gateway.until(path, token, *GONE)
    acme.call("PUT", f"/api/keys/{hash}?hashed=true", session | {"is_inactive": False})
    fleet.gateway.until(path, token, 200)
    acme.call("DELETE", f"/api/keys/{hash}?hashed=true")
    fleet.gateway.until(path, token, *GONE)


def test_api_that_is_off_or_deleted_is_gone(fleet: Fleet, acme: Organisation) -> None:
    id, api_id = acme.api("stock", fleet.upstream)
    token, path = acme.key(api_id)["key_id"], acme.path("stock")
    fleet.gateway.until(path, token, 200)
    wrapper = acme.call("GET", f"/api/apis/{id}")
    for is_active, wanted in ((False, GONE), (True, (200,))):
        definition = wrapper["api_definition"] | {"active": is_active}
        acme.call("PUT", f"/api/apis/{id}", {"api_definition": definition})
        fleet.gateway.until(path, token, *wanted)
    acme.call("DELETE", f"/api/apis/{id}")
    fleet.gateway.until(path, token, *GONE)


def test_policy_that_is_off_or_deleted_stops_its_keys(fleet: Fleet, acme: Organisation) -> None:
    _, api_id = acme.api("plans", fleet.upstream)
    right = {api_id: {"api_id": api_id, "versions": ["Default"]}}
    policy = {"name": "Plans", "access_rights": right, "rate": 100, "per": 1, "active": True}
    id = acme.call("POST", "/api/portal/policies", policy)["Message"]
    token, path = acme.key(apply_policies=[id])["key_id"], acme.path("plans")
    fleet.gateway.until(path, token, 200)
    for is_active, wanted in ((False, GONE), (True, (200,))):
        acme.call("PUT", f"/api/portal/policies/{id}", policy | {"_id": id, "active": is_active})
        fleet.gateway.until(path, token, *wanted)
    acme.call("DELETE", f"/api/portal/policies/{id}")
    fleet.gateway.until(path, token, *GONE)


def test_limits_are_those_of_the_key(fleet: Fleet, acme: Organisation) -> None:
    _, api_id = acme.api("limited", fleet.upstream)
    key = acme.key(api_id, quota_max=3, quota_renewal_rate=3600)
    token, path = key["key_id"], acme.path("limited")
    fleet.gateway.until(path, token, 200)
    assert [fleet.gateway.call(path, token) for _ in range(3)] == [200, 200, 403]
    session = acme.call("GET", f"/api/keys/{key['key_hash']}?hashed=true")["data"]
    acme.call("PUT", f"/api/keys/{key['key_hash']}?hashed=true", session)
    fleet.gateway.until(path, token, 200)


def test_nothing_of_one_organisation_is_served_to_another(
    fleet: Fleet, acme: Organisation, globex: Organisation
) -> None:
    """Everything here a gateway by itself would have let through."""
    _, ours = acme.api("ours", fleet.upstream)
    _, theirs = globex.api("theirs", fleet.upstream)
    right = {theirs: {"api_id": theirs, "versions": ["Default"]}}
    policy = {"name": "Theirs", "access_rights": right, "rate": 1, "per": 1, "active": True}
    foreign = globex.call("POST", "/api/portal/policies", policy)["Message"]
    both = right | {ours: {"api_id": ours, "versions": ["Default"]}}
    refused: list[tuple[str, Any]] = [
        ("/api/keys", {"access_rights": right}),
        ("/api/keys", {"access_rights": both}),
        ("/api/keys", {"access_rights": right, "org_id": globex.id}),
        ("/api/keys", {"access_rights": {}, "apply_policies": [foreign]}),
        ("/api/keys", {"access_rights": {ours: both[ours]}, "apply_policies": [foreign]}),
        ("/api/keys", {"access_rights": {}}),
        ("/api/keys/mycustomkey", {"access_rights": right}),
        ("/api/portal/policies", policy),
    ]
    assert {acme.client.post(path, json=body).status_code for path, body in refused} <= {400, 403, 404}
    own = acme.key(ours)
    session = own["data"] | {"org_id": globex.id}
    assert acme.client.put(f"/api/keys/{own['key_hash']}?hashed=true", json=session).status_code in (400, 404)
    session = own["data"] | {"access_rights": both}
    assert acme.client.put(f"/api/keys/{own['key_hash']}?hashed=true", json=session).status_code in (400, 404)
    token = own["key_id"]
    fleet.gateway.until(acme.path("ours"), token, 200)
    fleet.gateway.until(globex.path("theirs"), globex.key(theirs)["key_id"], 200)
    assert fleet.gateway.call(globex.path("theirs"), token) == 403
    custom = acme.client.post("/api/keys/mycustomkey", json={"access_rights": {ours: both[ours]}})
    assert custom.status_code == 200
    fleet.gateway.until(acme.path("ours"), "mycustomkey", 200)
    assert fleet.gateway.call(globex.path("theirs"), "mycustomkey") == 403


def test_organisations_key_limits_all_of_its_calls(fleet: Fleet, globex: Organisation) -> None:
    _, api_id = globex.api("bounded", fleet.upstream)
    token, path = globex.key(api_id)["key_id"], globex.path("bounded")
    fleet.gateway.until(path, token, 200)
    limits = {"org_id": globex.id, "rate": 1000, "per": 1, "quota_max": 2, "quota_renewal_rate": 3600}
    assert globex.admin.post("/admin/org/keys", json=limits).status_code == 200
    fleet.gateway.until(path, token, 403, within_s=5)
    assert globex.admin.delete(f"/admin/org/keys/{globex.id}").status_code == 200
    fleet.gateway.until(path, token, 200)


def test_oauth_client_gets_tokens_with_its_secret(fleet: Fleet, acme: Organisation) -> None:
    _, api_id = acme.api("tokens", fleet.upstream, use_standard_auth=False, use_oauth2=True, oauth_meta=OAUTH)
    right = {api_id: {"api_id": api_id, "versions": ["Default"]}}
    policy = {"name": "Tokens", "access_rights": right, "rate": 100, "per": 1, "active": True}
    policy_id = acme.call("POST", "/api/portal/policies", policy)["Message"]
    client = acme.call("POST", f"/api/apis/oauth/{api_id}", {"redirect_uri": BACK, "policy_id": policy_id})
    path = f"{acme.path('tokens')}oauth/token/"
    token = fleet.gateway.until_token(path, client)
    fleet.gateway.until(acme.path("tokens"), f"Bearer {token}", 200)
    rotated = acme.call("PUT", f"/api/apis/oauth/{api_id}/{client['client_id']}/rotate")
    assert fleet.gateway.until_token(path, rotated)
    assert not fleet.gateway.token(path, client)
    acme.call("DELETE", f"/api/apis/oauth/{api_id}/{client['client_id']}")
    fleet.gateway.until_no_token(path, rotated)
    acme.call("DELETE", f"/api/portal/policies/{policy_id}")
    fleet.gateway.until(acme.path("tokens"), f"Bearer {token}", *GONE)


def test_certificate_is_shown_to_an_upstream_that_asks_for_it(fleet: Fleet, acme: Organisation, tmp_path: Path) -> None:
    made = self_signed("gateways.acme.example")
    fleet.server.manage("shell", "-c", GIVE_API_SECRET)
    with real.asking_for(made, tmp_path) as upstream:
        acme.api("plain", upstream, **KEYLESS)
        files = {"file": ("cert.pem", made.pem + key_pem(made.key))}
        id = acme.client.post("/api/certs", files=files).json()["id"]
        acme.api("shown", upstream, **KEYLESS, upstream_certificates={"*": id})
        fleet.gateway.until(acme.path("shown"), "", 200)
        assert fleet.gateway.call(acme.path("plain")) >= 500


def test_calls_below_a_path_are_of_the_organisation_that_has_it(
    fleet: Fleet, acme: Organisation, globex: Organisation
) -> None:
    """A gateway sends a call to the longest path that there is, whoever has it."""
    _, api_id = acme.api("shop", fleet.upstream)
    token, path = acme.key(api_id)["key_id"], acme.path("shop")
    fleet.gateway.until(path, token, 200)
    below = {"proxy": {"listen_path": f"{path}pay/", "target_url": fleet.upstream}, **KEYLESS}
    definition = globex.definition("pay", fleet.upstream, **below)
    refused = globex.client.post("/api/apis", json={"api_definition": definition})
    assert refused.status_code == 400
    assert "It is not available" in refused.text
    acme.api("pay", fleet.upstream, **below)
    fleet.gateway.until(f"{path}pay/", "", 200)
    assert fleet.gateway.call(path) == 401


def test_api_at_a_domain_is_served_there_alone_and_while_it_is_proven(fleet: Fleet, acme: Organisation) -> None:
    _, api_id = acme.api("at-home", fleet.upstream, domain=HOST)
    _, later = acme.api("later", fleet.upstream)
    token, path = acme.key(api_id, later)["key_id"], acme.path("at-home")
    fleet.gateway.until(acme.path("later"), token, 200)
    assert fleet.gateway.call(path, token, host=HOST) == 404
    fleet.server.manage("organisation", acme.slug, "domain", HOST, "--purpose", "apis")
    fleet.gateway.until(path, token, 200, host=HOST)
    assert [fleet.gateway.call(path, token, host=host) for host in ("", "globex.example", f"x.{HOST}")] == [404] * 3
    assert fleet.gateway.call(path, host=HOST) == 401
    fleet.server.manage("organisation", acme.slug, "no-domain", HOST)
    fleet.gateway.until(path, token, 404, host=HOST)


def test_kill_switch_and_deletion_of_an_organisation(fleet: Fleet) -> None:
    brief = Organisation(fleet.server, "brief")
    _, api_id = brief.api("orders", fleet.upstream)
    brief.api("free", fleet.upstream, use_keyless=True, use_standard_auth=False)
    token = brief.key(api_id)["key_id"]
    fleet.gateway.until(brief.path("orders"), token, 200)
    fleet.gateway.until(brief.path("free"), "", 200)
    brief.admin.post("/admin/org/keys", json={"org_id": brief.id, "is_inactive": True})
    fleet.gateway.until(brief.path("orders"), token, *GONE)
    fleet.gateway.until(brief.path("free"), "", *GONE)
    brief.admin.delete(f"/admin/org/keys/{brief.id}")
    fleet.gateway.until(brief.path("orders"), token, 200)
    assert brief.admin.delete(f"/admin/organisations/{brief.id}?cascade=true").status_code == 200
    fleet.gateway.until(brief.path("orders"), token, *GONE)
    fleet.gateway.until(brief.path("free"), "", *GONE)


def test_second_gateway_serves_the_same(fleet: Fleet, acme: Organisation, tmp_path: Any) -> None:
    _, api_id = acme.api("twice", fleet.upstream)
    token = acme.key(api_id)["key_id"]
    # One of generation 3 is deaf while it starts: what is made in that second it hears of by a later reminder.
    fleet.gateway.until(acme.path("twice"), token, 200)
    with real.gateway(fleet.server, Recorder.dashboard, tmp_path) as second:
        second.until(acme.path("twice"), token, 200, within_s=10)
        assert fleet.gateway.call(acme.path("twice"), token) == 200


def test_requests_are_counted_for_the_organisation_that_has_the_api(
    fleet: Fleet, acme: Organisation, globex: Organisation
) -> None:
    apis = {}
    for organisation, times in ((acme, 3), (globex, 2)):
        _, apis[organisation.slug] = organisation.api("counted", fleet.upstream)
        key = organisation.key(apis[organisation.slug], alias="till")
        path = organisation.path("counted")
        fleet.gateway.until(path, key["key_id"], 200)
        for order in range(times):
            assert fleet.gateway.call(f"{path}orders/{order}", key["key_id"]) == 200
        query = f"?api={apis[organisation.slug]}"
        counted = until_counted(organisation, f"/api/analytics/top/endpoints{query}", "GET /orders/{id}", times)
        assert (counted["client_errors"], counted["server_errors"]) == (0, 0)
        [used] = organisation.call("GET", f"/api/analytics/top/keys{query}")["values"]
        assert (used["id"], used["name"]) == (key["key_hash"], "till")
    answer = globex.client.get(f"/api/analytics/top/endpoints?api={apis[acme.slug]}")
    assert answer.status_code == 404 or answer.json()["values"] == []


def until_counted(organisation: Organisation, path: str, id: str, times: int) -> dict[str, Any]:
    """Return a value once it has as many requests: gateways write them some seconds later, and a pump takes them."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        values = organisation.call("GET", path)["values"]
        found: list[dict[str, Any]] = [value for value in values if value["id"] == id]
        if found and found[0]["requests"] >= times:
            assert found[0]["requests"] == times
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"Still {values}.")


def test_real_gateways_say_what_was_recorded(fleet: Fleet) -> None:
    generation = 5 if any("x-tyk-session-id" in names for _, _, names in Recorder.seen) else 3
    recorded = IN_GENERATION_5 if generation == 5 else IN_GENERATION_3
    assert Recorder.seen <= recorded, sorted(map(str, Recorder.seen - recorded))
    assert {path for _, path, _ in Recorder.seen} >= {
        "/register/node", "/register/ping", "/system/apis", "/system/policies",
    }  # fmt: skip
