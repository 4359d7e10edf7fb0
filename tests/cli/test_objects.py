"""`list`, `get`, `delete` and `whoami` against a server, and what goes wrong on the way."""

import json
import socket
from datetime import UTC, datetime

import httpx
import pytest
from click.testing import CliRunner

from dashboard.cli import client as clients
from dashboard.cli import main
from dashboard.cli.client import Client
from dashboard.cli.failures import Exit
from tests.apis.pem import self_signed
from tests.cli.conftest import Acme, Commonhold
from tests.cli.making import definition, policy


def made(client: Client, *names: str) -> list[str]:
    return [
        str(client.post("/api/apis", {"api_definition": definition(name, name.lower())}).document["ID"])
        for name in names
    ]


def test_whoami_says_whose_the_access_key_is(commonhold: Commonhold, acme: Acme) -> None:
    told = commonhold("whoami")
    assert told.exit_code == Exit.DONE
    assert "ann@acme.example" in told.stdout
    assert json.loads(commonhold("whoami", "--json", key=acme.al).stdout)["email_address"] == "al@acme.example"
    assert commonhold("whoami", "--quiet").output == ""


def test_a_wrong_key_is_told_and_not_shown(commonhold: Commonhold) -> None:
    refused = commonhold("whoami", key="f" * 32)
    assert refused.exit_code == Exit.NOT_ALLOWED
    assert refused.stderr == "Error: The access key is not accepted: Not authorised\n"


def test_without_address_and_key_nothing_is_tried() -> None:
    refused = CliRunner().invoke(main, ["whoami"], env={"COMMONHOLD_URL": "", "COMMONHOLD_KEY": "", "HOME": "/nowhere"})
    assert refused.exit_code == Exit.USAGE
    assert "Set COMMONHOLD_URL and COMMONHOLD_KEY" in refused.stderr


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "FIRST_PAUSE_S", 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    failed = CliRunner().invoke(main, ["whoami"], env={"COMMONHOLD_URL": url, "COMMONHOLD_KEY": "f" * 32})
    assert failed.exit_code == Exit.UNREACHABLE
    assert failed.stderr.startswith(f"Error: {url} cannot be reached: ")


def test_lists_have_a_line_for_each_row(commonhold: Commonhold, client: Client) -> None:
    made(client, "Orders", "Stock")
    client.post("/api/portal/policies", policy("Gold", "orders", "stock", id="a" * 24))
    rows = [row.split("\t") for row in commonhold("list", "apis").stdout.splitlines()]
    assert sorted(row[1:] for row in rows) == [
        ["Orders", "/orders/", "https://target.example/", "active"],
        ["Stock", "/stock/", "https://target.example/", "active"],
    ]
    assert commonhold("list", "policies").stdout == f"{'a' * 24}\tGold\t2\tactive\n"
    assert "ann@acme.example" in commonhold("list", "users").stdout
    for kind in ("groups", "hooks", "certs"):
        empty = commonhold("list", kind)
        assert (empty.exit_code, empty.output) == (Exit.DONE, "")


def test_what_ends_is_listed_with_when(commonhold: Commonhold, client: Client, acme: Acme) -> None:
    made(client, "Orders")
    for alias, expires in (("Ends", 1_900_000_000), ("Stays", 0)):
        client.post("/api/keys", {"alias": alias, "access_rights": {"orders": {}}, "expires": expires})
    rows = [row.split("\t") for row in commonhold("list", "keys").stdout.splitlines()]
    ours = sorted((row[1], row[3]) for row in rows if row[1] in ("Ends", "Stays"))
    assert ours == [("Ends", "2030-03-17T17:46:40Z"), ("Stays", "never")]
    ends = datetime(2040, 1, 31, 12, tzinfo=UTC)
    pem = self_signed("partner.example", ends=ends).pem
    added = httpx.post(f"{client.url}/api/certs", content=pem, headers={"authorization": acme.ann}).json()
    try:
        assert commonhold("list", "certs").stdout == f"{added['id']}\tpartner.example\t2040-01-31T12:00:00Z\n"
    finally:
        client.delete(f"/api/certs/{added['id']}")


def test_a_search_lists_what_has_all_words(commonhold: Commonhold, client: Client) -> None:
    made(client, "Orders", "Stock")
    assert [row.split("\t")[1] for row in commonhold("list", "apis", "--search", "stock").stdout.splitlines()] == [
        "Stock"
    ]
    assert commonhold("list", "apis", "--search", "stock orders").stdout == ""
    found = json.loads(commonhold("list", "apis", "--json", "--search", "orders").stdout)
    assert [api["api_definition"]["name"] for api in found] == ["Orders"]


def test_one_object_is_printed_whole(commonhold: Commonhold, client: Client) -> None:
    (api_id,) = made(client, "Orders")
    assert json.loads(commonhold("get", "apis", api_id).stdout) == client.get(f"/api/apis/{api_id}").document
    missing = commonhold("get", "apis", "../users/me")
    assert (missing.exit_code, missing.stdout) == (Exit.REFUSED, "")


def test_objects_are_deleted_all_or_none_after_a_yes(commonhold: Commonhold, client: Client) -> None:
    made(client, "Orders", "Stock")
    for words in (["orders", "stock"], ["orders", "nowhere", "--yes"]):
        assert commonhold("delete", "apis", *words).exit_code in (Exit.USAGE, Exit.REFUSED)
        assert len(client.get("/api/apis", p="-1").document["apis"]) == 2
    deleted = commonhold("delete", "apis", "orders", "stock", "--yes")
    assert deleted.stdout.splitlines() == ["- API orders “Orders”", "- API stock “Stock”", "Deleted 2 APIs."]
    assert client.get("/api/apis", p="-1").document["apis"] == []


def test_who_may_only_read_deletes_nothing(commonhold: Commonhold, client: Client, acme: Acme) -> None:
    made(client, "Orders")
    assert commonhold("delete", "apis", "orders", "--yes", key=acme.al).exit_code == Exit.NOT_ALLOWED
    assert len(client.get("/api/apis", p="-1").document["apis"]) == 1
