"""The sequences of calls that existing clients make, and what each needs of the answers."""

import re
from base64 import b64encode
from typing import Any

import pytest
from django.test import Client

from tests.apis.pem import key_pem, self_signed
from tests.conftest import World
from tests.machines.client import Machine, admin, content, machine_of, read
from tests.machines.objects import oas_document
from tests.machines.test_certs import upload
from tests.machines.test_portal_site import HOME
from tests.portal.shared import DOCUMENT, open_shop

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
    publish_as_tyk_operator(ann, policy_id)
    # It deletes a policy only after it has read that the portal's catalogue does not offer it.
    assert done(ann.get("/api/portal/catalogue/"))["apis"] == []
    assert done(ann.delete(f"{POLICIES}/{policy_id}"))["Status"] == "OK"
    assert done(ann.delete(f"/api/apis/{api_id}"))["Status"] == "OK"
    assert ann.get(f"/api/apis/{api_id}").status_code == 404


def publish_as_tyk_operator(ann: Machine, policy_id: str) -> None:
    """It sends no field that is false or empty, and uploads documents before each change of the catalogue."""
    described = {"name": "Orders", "policy_id": "pol", "show": True, "version": "v2", "long_description": "*All*"}

    def upload() -> Any:
        sent = {"documentation": b64encode(DOCUMENT.encode()).decode(), "doc_type": "swagger", "api_id": "pol"}
        return done(ann.post("/api/portal/documentation/", sent))["Message"]

    configuration = done(ann.get("/api/portal/configuration"))
    sent = {"id": configuration["id"], "org_id": configuration["org_id"], "require_key_approval": True}
    assert done(ann.put("/api/portal/configuration", sent))["Status"] == "OK"
    catalogue = done(ann.get("/api/portal/catalogue/"))
    first = upload()
    whole = {"id": catalogue["id"], "org_id": catalogue["org_id"], "email": ""}
    assert done(ann.put("/api/portal/catalogue/", whole | {"apis": [described | {"documentation": first}]}))
    (entry,) = done(ann.get("/api/portal/catalogue/"))["apis"]
    assert (entry["policy_id"], entry["documentation"], entry["show"]) == (policy_id, first, True)

    second = upload()
    assert done(ann.delete(f"/api/portal/documentation/{first}"))["Status"] == "OK"
    assert ann.delete(f"/api/portal/documentation/{first}").status_code == 404
    hidden = {name: value for name, value in described.items() if name != "show"} | {"documentation": second}
    assert done(ann.put("/api/portal/catalogue/", whole | {"apis": [hidden]}))
    (changed,) = done(ann.get("/api/portal/catalogue/"))["apis"]
    assert (changed["id"], changed["show"], changed["documentation"]) == (entry["id"], False, second)

    assert done(ann.delete(f"/api/portal/documentation/{second}"))["Status"] == "OK"
    assert done(ann.put("/api/portal/catalogue/", whole | {"apis": None}))["Status"] == "OK"


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


def test_as_tyk_demo_fills_two_portals(world: World) -> None:
    for person in (world.ann, world.gus):
        machine, organisation = machine_of(person), person.organisation_id
        assert done(machine.post("/api/apis", {"api_definition": definition(f"petstore-{organisation}")}))
        policy_id = done(machine.post(POLICIES, policy(f"petstore-{organisation}")))["Message"]
        assert done(machine.post("/api/portal/configuration", {}))["Status"] == "OK"
        catalogue_id = done(machine.post("/api/portal/catalogue", {"org_id": organisation}))["Message"]
        assert is_row_id(catalogue_id)
        assert done(machine.post("/api/portal/pages", HOME))["Status"] == "OK"
        developer = {"email": "portal-developer@example.org", "password": PASSWORD, "org_id": organisation}
        assert done(machine.post("/api/portal/developers", developer))["Status"] == "OK"

        # Its documents are Swagger 2.0 and "graphql", which are refused; it goes on without them.
        for kind, text in (("swagger", b64encode(b'{"swagger": "2.0"}').decode()), ("graphql", "graphql")):
            sent = {"api_id": "", "doc_type": kind, "documentation": text}
            assert machine.post("/api/portal/documentation", sent).status_code == 400
        for name in ("Swagger Petstore", "Social Media"):
            catalogue = done(machine.get("/api/portal/catalogue"))
            assert catalogue["id"] == catalogue_id
            config = {"require_key_approval": False, "override": False}
            added = {"api_id": "", "hasDocumentation": True, "config": config, "policy_id": policy_id, "name": name,
                     "version": "v2", "short_description": "", "long_description": "", "fields": {},
                     "documentation": "", "show": True}  # fmt: skip
            catalogue["apis"].append(added)
            assert done(machine.put("/api/portal/catalogue", catalogue))["Status"] == "OK"
        listed = done(machine.get("/api/portal/catalogue"))["apis"]
        assert [(each["name"], each["policy_id"]) for each in listed] == [
            ("Swagger Petstore", policy_id),
            ("Social Media", policy_id),
        ]


def test_as_the_kubernetes_bootstrap_prepares_a_portal(world: World, ann: Machine) -> None:
    assert ann.put("/api/portal/configuration").status_code == 200
    assert is_row_id(done(ann.post("/api/portal/catalogue", {"org_id": world.acme.id}))["Message"])
    assert is_row_id(done(ann.post("/api/portal/pages", HOME))["Message"])
    assert ann.put("/api/portal/cname", {"cname": "portal.cluster.example"}).status_code == 200


def test_as_a_custom_portal_gives_a_key(world: World, ann: Machine) -> None:
    """As the vendor's example portal does, which keeps nothing of its own."""
    shop = open_shop(world.acme)
    person = {"email": "apidev@example.com", "password": PASSWORD, "inactive": False, "fields": {"Name": "John Snow"}}
    assert done(ann.post("/api/portal/developers", person))["Status"] == "OK"
    path = "/api/portal/developers/email/apidev@example.com"
    developer = done(ann.get(path))
    assert (developer["fields"]["Name"], developer["subscriptions"]) == ("John Snow", {})
    credentials = {"username": person["email"], "password": PASSWORD}
    assert ann.post("/api/portal/developers/verify_credentials", credentials).status_code == 200
    wrong = ann.post("/api/portal/developers/verify_credentials", credentials | {"password": "wrong"})
    assert wrong.status_code == 401

    (api,) = done(ann.get("/api/portal/catalogue"))["apis"]
    asked = {"by_user": developer["id"], "fields": {"usecase": "u", "traffic": "t"}, "version": "v2",
             "for_plan": api["policy_id"]}  # fmt: skip
    request_id = done(ann.post("/api/portal/requests", asked))["Message"]
    assert done(ann.get("/api/portal/requests?approved=false"))["Data"][0]["id"] == request_id
    raw = done(ann.put(f"/api/portal/requests/approve/{request_id}"))["RawKey"]
    hash = done(ann.get(path))["subscriptions"][shop.policy.pk]
    assert done(ann.get(f"/api/keys/{raw}"))["key_hash"] == hash
    assert done(ann.get(f"/api/activity/keys/aggregate/{hash},/5/8/2026/13/8/2026?p=-1&res=day"))["data"] == []

    updated = {name: value for name, value in done(ann.get(path)).items() if name != "keys"}
    updated["fields"]["traffic_source"] = "google search"
    assert done(ann.put(f"/api/portal/developers/{developer['id']}", updated))["Message"] == "Data updated"
    assert done(ann.get(path))["fields"] == {"Name": "John Snow", "traffic_source": "google search"}


def test_as_the_identity_broker_signs_developers_in(world: World, ann: Machine) -> None:
    open_shop(world.acme)
    vouched = {"ForSection": "portal", "OrgID": world.acme.id, "EmailAddress": "ada@idp.example", "GroupID": "",
               "DisplayName": "Ada Archer", "GroupsIDs": None, "SSOOnlyForRegisteredUsers": False}  # fmt: skip
    # First it tries with the access key of a user, which vouches for nobody here.
    assert ann.post("/api/sso", vouched).status_code == 404

    def nonce() -> Any:
        return done(admin().post("/admin/sso", vouched))["Meta"]

    first, key = nonce(), "1234@openid-connect.com"
    assert ann.get("/api/portal/developers/ssokey/1234%40openid-connect.com").status_code == 404
    person = {"id": "", "email": "ada@idp.example", "date_created": "2026-08-01T10:00:00Z", "inactive": False,
              "org_id": world.acme.id, "keys": {}, "subscriptions": {}, "fields": {}, "nonce": first,
              "sso_key": key, "password_max_days": 0, "password_updated": "0001-01-01T00:00:00Z", "PWHistory": None,
              "last_login_date": "0001-01-01T00:00:00Z"}  # fmt: skip
    assert done(ann.post("/api/portal/developers", person))["Status"] == "OK"
    assert Client().get("/o/acme/portal/tap", {"nonce": first}).status_code == 302

    again = nonce()
    developer = done(ann.get(f"/api/portal/developers/ssokey/{key}"))
    assert done(ann.put(f"/api/portal/developers/{developer['id']}", developer | {"nonce": again}))["Status"] == "OK"
    assert Client().get("/o/acme/portal/tap", {"nonce": again}).status_code == 302
