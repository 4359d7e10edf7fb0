"""The sequences of calls that existing clients make, and what each needs of the answers."""

import re
from typing import Any

import pytest

from tests.apis.pem import key_pem, self_signed
from tests.conftest import World
from tests.machines.client import Machine, admin, content, machine_of, read
from tests.machines.objects import oas_document
from tests.machines.test_certs import upload

EXTRA = "?accept_additional_properties=true"
OAS_EXTENSION = "x-tyk-api-gateway"
POLICIES = "/api/portal/policies"
ORGANISATIONS = ("5e9d9544a1dcd60001d0e001", "5e9d9544a1dcd60001d0e002")
PASSWORD = "Three1sh0jv1dt9X"


def definition(api_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": f"Orders {api_id}", "slug": api_id.lower(), "api_id": api_id, "active": True,
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": f"/{api_id}/", "target_url": "https://orders.example/", "strip_listen_path": True},
    } | fields  # fmt: skip


def policy(api_id: str, **fields: Any) -> dict[str, Any]:
    right = {"api_id": api_id, "api_name": api_id, "versions": ["Default"]}
    return {"name": "Gold", "rate": 10, "per": 1, "quota_max": -1, "active": True} | fields | {
        "access_rights": {api_id: right}
    }  # fmt: skip


def is_row_id(text: Any) -> bool:
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{24}", text) is not None


def done(answer: Any) -> dict[str, Any]:
    """Read an answer of a client that takes nothing but 200."""
    assert answer.status_code == 200, content(answer)
    document: dict[str, Any] = read(answer)
    return document


@pytest.fixture
def ann(world: World) -> Machine:
    return machine_of(world.ann)


def test_as_tyk_sync_publishes_and_syncs_twice(world: World, ann: Machine) -> None:
    assert done(ann.get("/api/users?p=-2"))["users"][0]["org_id"] == world.acme.id
    assert done(ann.get("/api/apis?p=-2"))["apis"] == []
    assert read(ann.get("/api/assets")) == []

    wrapper = {"api_definition": definition("wanted"), "hook_references": [], "user_owners": []}
    created = done(ann.post(f"/api/apis{EXTRA}", wrapper))
    assert created["Status"] == "OK"
    assert is_row_id(created["Meta"])
    assert done(ann.put(f"/api/apis/{created['Meta']}{EXTRA}", wrapper))["Status"] == "OK"

    document = oas_document("/described/")
    document[OAS_EXTENSION]["info"]["id"] = "described"  # type: ignore[index]
    made = done(ann.post(f"/api/apis/oas{EXTRA}", document))
    assert made["Status"] == "OK"
    assert is_row_id(made["Meta"])
    categories = {"categories": ["c1"]}
    assert done(ann.put("/api/apis/oas/described/categories", categories))["Status"] == "OK"
    assert done(ann.put(f"/api/apis/oas/{made['Meta']}{EXTRA}", document))["Status"] == "OK"

    sent = policy("wanted", _id="", id="gold", org_id=world.acme.id)
    policy_id = done(ann.post(POLICIES, sent))["Message"]
    assert is_row_id(policy_id)

    def state() -> Any:
        return done(ann.get("/api/apis?p=-2"))["apis"], done(ann.get(f"{POLICIES}?p=-2"))["Data"]

    apis, policies = before = state()
    by_id = {each["api_definition"]["api_id"]: each for each in apis}
    assert by_id.keys() == {"wanted", "described"}
    assert by_id["described"]["api_definition"]["is_oas"] is True
    info = by_id["described"]["oas"][OAS_EXTENSION]["info"]
    assert (info["id"], info["dbId"]) == ("described", made["Meta"])
    assert [(each["_id"], each["id"]) for each in policies] == [(policy_id, "gold")]

    # A second sync sends each again as a dump has it.
    assert done(ann.put(f"{POLICIES}/{policy_id}", policies[0]))["Status"] == "OK"
    assert done(ann.put(f"/api/apis/{created['Meta']}{EXTRA}", by_id["wanted"]))["Status"] == "OK"
    assert done(ann.put(f"/api/apis/oas/{made['Meta']}{EXTRA}", by_id["described"]["oas"]))["Status"] == "OK"
    assert done(ann.put("/api/apis/oas/described/categories", categories))["Status"] == "OK"
    assert state() == before

    assert done(ann.get("/api/apis/oas/described/export"))["openapi"] == "3.0.3"
    assert done(ann.get("/api/apis/oas/described/categories"))["categories"] == ["c1"]
    assert done(ann.delete(f"{POLICIES}/{policy_id}"))["Status"] == "OK"
    assert done(ann.delete(f"/api/apis/{created['Meta']}"))["Status"] == "OK"
    assert [each["api_definition"]["api_id"] for each in state()[0]] == ["described"]


def test_as_tyk_demo_fills_two_organisations(db: None) -> None:
    keys = []
    for organisation in ORGANISATIONS:
        sent = {"id": organisation, "owner_name": "Demo", "cname": "", "cname_enabled": False}
        assert done(admin().post("/admin/organisations/import", sent))["Status"] == "OK"
        assert done(admin().get(f"/admin/organisations/{organisation}"))["id"] == organisation
        person = {
            "first_name": "A", "last_name": "B", "email_address": "Both@demo.example", "org_id": organisation,
            "active": True, "password": PASSWORD, "user_permissions": {"IsAdmin": "admin"},
        }  # fmt: skip
        meta = done(admin().post("/admin/users", person))["Meta"]
        assert (meta["email_address"], meta["org_id"]) == ("both@demo.example", organisation)
        reset = {"new_password": PASSWORD, "user_permissions": {"IsAdmin": "admin"}}
        path = f"/api/users/{meta['id']}/actions/reset"
        assert done(Machine(authorization=meta["access_key"]).post(path, reset))["Status"].lower() == "ok"
        keys.append(meta["access_key"])

    assert keys[0] != keys[1]
    machine, other = (Machine(authorization=key) for key in keys)
    group = done(machine.post("/api/usergroups", {"name": "Team", "user_permissions": {"apis": "read"}}))
    assert is_row_id(group["Meta"])
    hook = {"name": "Hook", "method": "POST", "target_path": "https://hooks.example/", "template_path": ""}
    assert done(machine.post("/api/hooks", hook))["Status"].lower() == "ok"
    assert [each["name"] for each in done(machine.get("/api/hooks?p=-1"))["hooks"]] == ["Hook"]
    made = self_signed()
    certificate = done(upload(machine, cert=made.pem + key_pem(made.key)))
    assert (certificate["status"], certificate["id"][:24]) == ("ok", ORGANISATIONS[0])

    oauth = definition("oauth", use_oauth2=True)
    for each in (definition("plain"), definition("basic", use_basic_auth=True), oauth):
        assert done(machine.post("/api/apis", {"api_definition": each}))["ID"] == each["api_id"]
    document = oas_document("/described/")
    document[OAS_EXTENSION]["info"]["id"] = "described"  # type: ignore[index]
    assert done(machine.post("/api/apis/oas", document))["ID"] == "described"
    wanted = "62a0eac392faf50001395000"
    assert done(machine.post(POLICIES, policy("plain", _id=wanted, id="")))["Message"] == wanted

    session = policy("plain")
    token = done(machine.post("/api/keys", session))
    assert token["key_id"]
    assert token["key_hash"]
    assert done(machine.post("/api/keys/my-chosen-id", session))["key_hash"]
    basic = policy("basic", basic_auth_data={"password": "a long password"})
    assert done(machine.post("/api/apis/keys/basic/somebody", basic))["key_hash"]
    client = {"client_id": "chosen-client", "secret": "chosen-secret-of-32-letters-0001", "policy_id": "",
              "redirect_uri": "https://app.example/back"}  # fmt: skip
    kept = done(machine.post("/api/apis/oauth/oauth", client))
    assert (kept["client_id"], kept["secret"]) == (client["client_id"], client["secret"])

    assert done(other.get("/api/apis?p=-1"))["apis"] == []
    assert done(other.get("/api/hooks?p=-1"))["hooks"] == []
    assert other.get("/api/apis/plain").status_code == 404


def test_as_tyk_operator_reconciles(ann: Machine) -> None:
    api_id = "ZGVmYXVsdC9odHRwYmlu"
    assert ann.get(f"/api/apis/{api_id}").status_code == 404
    wrapper = {"api_definition": definition(api_id)}
    row = done(ann.post("/api/apis", wrapper))["Meta"]
    assert done(ann.get(f"/api/apis/{row}"))["api_definition"]["id"] == row
    assert done(ann.put(f"/api/apis/{row}", wrapper))["Status"] == "OK"
    assert done(ann.get(f"/api/apis/{api_id}"))["api_definition"]["api_id"] == api_id
    assert done(ann.put(f"/api/apis/{api_id}", wrapper))["Status"] == "OK"

    made = self_signed()
    certificate = done(upload(ann, cert=key_pem(made.key) + made.pem))["id"]
    assert done(ann.get("/api/certs"))["certs"] == [certificate]
    assert ann.get(f"/api/certs/{certificate}").status_code == 200
    assert done(ann.delete(f"/api/certs/{certificate}"))
    assert done(ann.get("/api/certs"))["certs"] == []

    sent = policy(api_id, id="pol", state="active")
    policy_id = done(ann.post(POLICIES, sent))["Message"]
    assert done(ann.get(f"{POLICIES}/{policy_id}"))["id"] == "pol"
    assert done(ann.put(f"{POLICIES}/{policy_id}", sent | {"_id": policy_id}))["Status"] == "OK"
    assert [each["_id"] for each in done(ann.get(f"{POLICIES}?p=-2"))["Data"]] == [policy_id]
    # It deletes a policy only after it has read that the portal's catalogue does not offer it.
    assert done(ann.get("/api/portal/catalogue/"))["apis"] == []
    assert done(ann.delete(f"{POLICIES}/{policy_id}"))["Status"] == "OK"
    assert done(ann.delete(f"/api/apis/{api_id}"))["Status"] == "OK"
    assert ann.get(f"/api/apis/{api_id}").status_code == 404


def test_as_the_kubernetes_bootstrap_begins(db: None) -> None:
    assert done(admin().get("/admin/organisations"))["organisations"] == []
    sent = {"owner_name": "Cluster", "cname_enabled": True, "cname": "cluster.example"}
    organisation = done(admin().post("/admin/organisations", sent))["Meta"]
    assert is_row_id(organisation)
    (listed,) = done(admin().get("/admin/organisations"))["organisations"]
    assert (listed["owner_name"], listed["cname"]) == ("Cluster", "cluster.example")

    person = {"first_name": "A", "last_name": "B", "email_address": "a@cluster.example", "org_id": organisation,
              "active": True, "user_permissions": {"IsAdmin": "admin"}}  # fmt: skip
    created = done(admin().post("/admin/users", person))
    moments = [created["Meta"][name] for name in ("password_updated", "created_at")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", moment) for moment in moments)
    assert (created["Meta"]["PWHistory"], created["Meta"]["api_model"]) == ([], {})
    assert created["Meta"]["password_max_days"] == 0
    again = admin().post("/admin/users", person)
    assert again.status_code == 403

    administrator = Machine(authorization=created["Message"])
    path = f"/api/users/{created['Meta']['id']}/actions/reset"
    assert done(administrator.post(path, {"new_password": PASSWORD, "user_permissions": {"IsAdmin": "admin"}}))


def test_as_the_dashboard_sdk_keeps_an_openapi_api(world: World) -> None:
    key = machine_of(world.ann).headers["authorization"]
    bearer = Machine(authorization=f"Bearer {key}")
    api_id = done(bearer.post("/api/apis/oas", oas_document("/user/")))["ID"]
    info = done(bearer.get(f"/api/apis/oas/{api_id}"))[OAS_EXTENSION]["info"]
    assert (info["id"], info["name"]) == (api_id, "Orders")
    # Templates cannot be made here, and the client is told so.
    assert bearer.post("/api/assets", {"id": "template"}).status_code == 405
