"""`apply` and `export` against a server."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.cli import applying, folder, planning
from dashboard.cli.client import Client
from dashboard.cli.failures import Exit, Failure
from tests.cli.conftest import Acme, Commonhold
from tests.cli.making import definition, openapi, policy, put

ORDERS, STOCK, GOLD = "0" * 31 + "1", "0" * 31 + "2", "a" * 24


@pytest.fixture
def gateway(tmp_path: Path, client: Client) -> Path:
    """A folder of two classic definitions, an OpenAPI document and a policy of all three."""
    folder = tmp_path / "gateway"
    put(folder, "apis/orders.json", definition("Orders", ORDERS, tags=["shop"]))
    put(folder, "apis/stock.json", {"api_definition": definition("Stock", STOCK), "categories": ["shop"]})
    put(folder, "apis/prices.json", openapi("Prices", "prices-1"))
    put(folder, "gold.yaml", json.dumps(policy("Gold", ORDERS, STOCK, "prices-1", id=GOLD)))
    return folder


def names(client: Client) -> set[str]:
    return {document.name for document in applying.saved_documents(client)}


def change(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_a_folder_is_applied_once(commonhold: Commonhold, gateway: Path, client: Client) -> None:
    first = commonhold("apply", gateway)
    assert (first.exit_code, first.stderr) == (Exit.DONE, "")
    assert "+ create API “Orders”  apis/orders.json\n" in first.stdout
    assert first.stdout.endswith("4 to create, 0 as they are. Done.\n")
    assert names(client) == {"Orders", "Stock", "Prices", "Gold"}
    second = commonhold("apply", gateway, "--prune", "--yes")
    assert (second.exit_code, second.stdout) == (Exit.DONE, "Nothing to do: 4 are as the folder says.\n")


def test_a_dry_run_shows_each_field_and_sends_nothing(commonhold: Commonhold, gateway: Path, client: Client) -> None:
    assert commonhold("apply", gateway, "--dry-run").exit_code == Exit.CHANGES
    assert names(client) == set()
    commonhold("apply", gateway)
    assert commonhold("apply", gateway, "--dry-run").exit_code == Exit.DONE
    change(gateway / "apis/orders.json", tags=["shop", "web"], active=False)
    change(gateway / "gold.yaml", rate=20)
    dry = commonhold("apply", gateway, "--dry-run")
    assert dry.exit_code == Exit.CHANGES
    assert dry.stdout.splitlines() == [
        "~ change API “Orders”  apis/orders.json",
        "    active: true → false",
        '    tags: ["shop"] → ["shop","web"]',
        "~ change policy “Gold”  gold.yaml",
        "    rate: 10 → 20",
        "2 to change, 2 as they are. Nothing was sent.",
    ]
    assert commonhold("apply", gateway).exit_code == Exit.DONE
    assert commonhold("apply", gateway, "--dry-run").exit_code == Exit.DONE


def test_the_json_of_a_plan_has_every_change(commonhold: Commonhold, gateway: Path) -> None:
    commonhold("apply", gateway, "--quiet")
    change(gateway / "apis/orders.json", domain="shop.example", active=False)
    told = json.loads(commonhold("apply", gateway, "--dry-run", "--json").stdout)
    assert told == {
        "steps": [
            {
                "action": "change", "kind": "API", "id": ORDERS, "name": "Orders", "file": "apis/orders.json",
                "fields": [
                    {"path": ["active"], "before": True, "after": False},
                    {"path": ["domain"], "after": "shop.example"},
                ],
            }
        ],
        "unchanged": 3,
        "is_done": False,
    }  # fmt: skip


def test_pruning_needs_a_yes(commonhold: Commonhold, gateway: Path, client: Client) -> None:
    commonhold("apply", gateway)
    (gateway / "gold.yaml").unlink()
    (gateway / "apis/prices.json").unlink()
    assert commonhold("apply", gateway).stdout == "Nothing to do: 2 are as the folder says.\n"
    unasked = commonhold("apply", gateway, "--prune")
    assert unasked.exit_code == Exit.USAGE
    assert "- delete policy “Gold”\n- delete API “Prices”\n" in unasked.stdout
    assert names(client) == {"Orders", "Stock", "Prices", "Gold"}
    assert commonhold("apply", gateway, "--prune", "--yes").exit_code == Exit.DONE
    assert names(client) == {"Orders", "Stock"}


def test_a_folder_without_files_is_refused(
    commonhold: Commonhold, gateway: Path, client: Client, tmp_path: Path
) -> None:
    commonhold("apply", gateway)
    put(tmp_path, "wrong/README.md", "# Not read")
    for options in ([], ["--dry-run"], ["--prune", "--yes"]):
        refused = commonhold("apply", tmp_path / "wrong", *options)
        assert (refused.exit_code, refused.stdout) == (Exit.REFUSED, "")
        assert "is it the right folder?" in refused.stderr
    assert len(names(client)) == 4


def test_policies_follow_an_api_that_got_another_id(commonhold: Commonhold, gateway: Path, client: Client) -> None:
    client.post("/api/apis", {"api_definition": definition("Orders", "an-id-of-its-own")})
    assert commonhold("apply", gateway).exit_code == Exit.DONE
    assert ORDERS not in client.get(f"/api/portal/policies/{GOLD}").document["access_rights"]
    assert "an-id-of-its-own" in client.get(f"/api/portal/policies/{GOLD}").document["access_rights"]
    assert commonhold("apply", gateway).stdout == "Nothing to do: 4 are as the folder says.\n"


def test_what_was_changed_meanwhile_is_left_alone(commonhold: Commonhold, gateway: Path, client: Client) -> None:
    commonhold("apply", gateway)
    change(gateway / "apis/orders.json", active=False)
    plan = planning.plan(folder.read(gateway), applying.saved_documents(client))
    wrapper = client.get(f"/api/apis/{ORDERS}").document
    wrapper["api_definition"]["tags"] = ["theirs"]
    client.put(f"/api/apis/{ORDERS}", wrapper)
    with pytest.raises(Failure, match=r"apis/orders\.json: It was changed meanwhile"):
        applying.run(client, plan, lambda done: None)
    found = client.get(f"/api/apis/{ORDERS}").document["api_definition"]
    assert (found["tags"], found["active"]) == (["theirs"], True)


def test_the_first_refusal_says_what_was_done(commonhold: Commonhold, gateway: Path, client: Client) -> None:
    put(gateway, "apis/zz.json", definition("Zz", proxy={"listen_path": "no slash", "target_url": "https://a.example"}))
    refused = commonhold("apply", gateway)
    assert refused.exit_code == Exit.REFUSED
    assert "apis/zz.json: " in refused.stderr
    assert "3 of 5 were done; run it again to go on." in refused.stderr
    assert names(client) == {"Orders", "Stock", "Prices"}


def test_who_may_only_read_applies_nothing(commonhold: Commonhold, gateway: Path, acme: Acme, client: Client) -> None:
    assert commonhold("apply", gateway, key=acme.al).exit_code == Exit.NOT_ALLOWED
    assert names(client) == set()


def test_an_export_is_applied_back_without_a_change(
    commonhold: Commonhold, gateway: Path, client: Client, tmp_path: Path
) -> None:
    commonhold("apply", gateway)
    out = tmp_path / "out"
    assert commonhold("export", out).stdout == "Wrote 4 files; 0 said the same already.\n"
    before = {file: file.read_bytes() for file in out.rglob("*.json")}
    assert len(before) == 4
    assert commonhold("apply", out, "--prune", "--yes").stdout == "Nothing to do: 4 are as the folder says.\n"
    assert commonhold("export", out).stdout == "Wrote 0 files; 4 said the same already.\n"
    assert {file: file.read_bytes() for file in out.rglob("*.json")} == before


def test_an_export_makes_an_installation_anew(
    commonhold: Commonhold, gateway: Path, client: Client, tmp_path: Path
) -> None:
    commonhold("apply", gateway)
    commonhold("export", tmp_path / "out")
    put(tmp_path, "none/orders.json", definition("Other"))
    commonhold("apply", tmp_path / "none", "--prune", "--yes")
    assert names(client) == {"Other"}
    assert commonhold("apply", tmp_path / "out", "--prune", "--yes").exit_code == Exit.DONE
    assert names(client) == {"Orders", "Stock", "Prices", "Gold"}
    assert commonhold("apply", tmp_path / "out").stdout == "Nothing to do: 4 are as the folder says.\n"


def test_files_of_what_is_gone_are_pruned(
    commonhold: Commonhold, gateway: Path, client: Client, tmp_path: Path
) -> None:
    commonhold("apply", gateway)
    out = tmp_path / "out"
    commonhold("export", out)
    client.delete(f"/api/portal/policies/{GOLD}")
    assert f"policies/gold-{GOLD}.json is of something that is not at the server" in commonhold("export", out).stderr
    assert commonhold("export", out, "--prune").exit_code == Exit.USAGE
    assert (out / f"policies/gold-{GOLD}.json").exists()
    assert commonhold("export", out, "--prune", "--yes").exit_code == Exit.DONE
    assert not (out / f"policies/gold-{GOLD}.json").exists()
