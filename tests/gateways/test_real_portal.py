"""What the portal promises to developers, with a real Tyk Gateway. Skipped as the tests of that are."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from orgs import scope
from portal.models import KeyRequest
from portal.services.applications import rotate_key
from tests.gateways import real
from tests.gateways.real import Fleet, Organisation

pytestmark = pytest.mark.skipif(not real.PROGRAM, reason="TYK_GATEWAY_BIN names no gateway")
GONE = (401, 403)
PORTAL, ELSEWHERE = "https://portal.acme.example", "https://portal.globex.example"
# As docs/portal.md has it.
CORS = {
    "enable": True,
    "allowed_origins": [PORTAL],
    "allowed_methods": ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"],
    "allowed_headers": ["Authorization", "Content-Type"],
    "max_age": 600,
}
CORS_OF_DOCUMENTS = {
    "enabled": True,
    "allowedOrigins": CORS["allowed_origins"],
    "allowedMethods": CORS["allowed_methods"],
    "allowedHeaders": CORS["allowed_headers"],
    "maxAge": 600,
}
ROTATE_NOW = """
from tests.gateways.test_real_portal import rotate_now
print("rotated", rotate_now("{organisation}", "{asked}"))
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with real.fleet(tmp_path_factory.mktemp("gateway"), tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def acme(fleet: Fleet) -> Organisation:
    return Organisation(fleet.server, "acme-ltd")


def rotate_now(organisation_id: str, asked_id: str) -> str:
    """What a developer does on the key's page. This runs beside the server, in a process with its settings."""
    with scope.opened(scope.of(organisation_id)):
        asked = KeyRequest.objects.select_related("key").get(pk=asked_id)
        assert asked.key
        return rotate_key(asked=asked, revision=asked.key.revision, grace=timedelta(0))[1]


def offer(acme: Organisation, api_id: str) -> str:
    """Publish the API with a plan, and return the id of the plan's policy."""
    right = {api_id: {"api_id": api_id, "versions": ["Default"]}}
    policy = {"name": "Gold", "access_rights": right, "rate": 1000, "per": 1, "active": True}
    id = acme.call("POST", "/api/portal/policies", policy)["Message"]
    entry = {"name": "Parcels", "api_id": api_id, "policy_id": id, "show": True}
    acme.call("PUT", "/api/portal/catalogue", {"apis": [entry]})
    return str(id)


def test_developers_key_opens_the_api_of_its_plan_and_stops_with_rotation_and_its_developer(
    fleet: Fleet, acme: Organisation
) -> None:
    _, parcels = acme.api("parcels", fleet.upstream)
    acme.api("letters", fleet.upstream)
    policy_id = offer(acme, parcels)
    path, other = acme.path("parcels"), acme.path("letters")
    dev = acme.call("POST", "/api/portal/developers", {"email": "dev@example.com"})["Message"]
    asked = acme.call("POST", "/api/portal/requests", {"by_user": dev, "for_plan": policy_id})["Message"]
    first = acme.call("PUT", f"/api/portal/requests/approve/{asked}")["RawKey"]
    fleet.gateway.until(path, first, 200)
    fleet.gateway.until(other, "", 401)
    assert fleet.gateway.call(other, first) == 403

    printed = fleet.server.manage("shell", "-c", ROTATE_NOW.format(organisation=acme.id, asked=asked))
    second = printed.partition("rotated ")[2].strip()
    fleet.gateway.until(path, second, 200)
    fleet.gateway.until(path, first, *GONE)

    developer = f"/api/portal/developers/{dev}"
    acme.call("PUT", developer, {"inactive": True})
    fleet.gateway.until(path, second, *GONE)
    acme.call("PUT", developer, {"inactive": False})
    fleet.gateway.until(path, second, 200)
    assert fleet.gateway.call(path, first) in GONE
    acme.call("DELETE", developer)
    fleet.gateway.until(path, second, *GONE)


def preflight(fleet: Fleet, path: str, origin: str) -> httpx.Response:
    """What a browser asks before a page of the portal may send a key."""
    asks = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    return httpx.options(fleet.gateway.address + path, headers={"origin": origin, **asks})


def call_from(fleet: Fleet, path: str, origin: str, token: str) -> httpx.Response:
    return httpx.get(fleet.gateway.address + path, headers={"origin": origin, "authorization": token})


def with_cors(acme: Organisation, name: str, upstream: str, kind: str) -> tuple[str, str]:
    """Return the API's `api_id` and its path."""
    if kind == "definition":
        return acme.api(name, upstream, CORS=CORS)[1], acme.path(name)
    header = {"enabled": True, "header": {"enabled": True, "name": "Authorization"}}
    extension: dict[str, Any] = {
        "info": {"name": name, "state": {"active": True}},
        "upstream": {"url": upstream},
        "server": {
            "listenPath": {"value": acme.path(name), "strip": True},
            "authentication": {"enabled": True, "securitySchemes": {"authToken": header}},
        },
        "middleware": {"global": {"cors": CORS_OF_DOCUMENTS}},
    }
    scheme = {"authToken": {"type": "apiKey", "in": "header", "name": "Authorization"}}
    document = {
        "openapi": "3.0.3", "info": {"title": name, "version": "1"}, "paths": {},
        "components": {"securitySchemes": scheme}, "security": [{"authToken": []}], "x-tyk-api-gateway": extension,
    }  # fmt: skip
    return acme.call("POST", "/api/apis/oas", document)["ID"], acme.path(name)


@pytest.mark.parametrize("kind", ["definition", "document"])
def test_page_of_the_portal_may_call_where_the_api_allows_it(fleet: Fleet, acme: Organisation, kind: str) -> None:
    api_id, path = with_cors(acme, f"open-to-pages-{kind}", fleet.upstream, kind)
    token = acme.key(api_id)["key_id"]
    fleet.gateway.until(path, token, 200)
    allowed = preflight(fleet, path, PORTAL)
    assert allowed.status_code in (200, 204)
    assert allowed.headers["access-control-allow-origin"] == PORTAL
    assert "GET" in allowed.headers["access-control-allow-methods"]
    assert allowed.headers["access-control-allow-headers"].lower() == "authorization"
    assert allowed.headers["access-control-max-age"] == "600"
    for sent, status in ((token, 200), ("no-key", 403)):  # why it is refused can be read too
        answer = call_from(fleet, path, PORTAL, sent)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, PORTAL)
    assert "access-control-allow-origin" not in preflight(fleet, path, ELSEWHERE).headers
    assert "access-control-allow-origin" not in call_from(fleet, path, ELSEWHERE, token).headers


def test_page_of_the_portal_reads_nothing_where_the_api_says_nothing_of_it(fleet: Fleet, acme: Organisation) -> None:
    _, api_id = acme.api("closed-to-pages", fleet.upstream)
    token, path = acme.key(api_id)["key_id"], acme.path("closed-to-pages")
    fleet.gateway.until(path, token, 200)
    for answer in (preflight(fleet, path, PORTAL), call_from(fleet, path, PORTAL, token)):
        assert "access-control-allow-origin" not in answer.headers
