import json
from pathlib import Path

import pytest

from dashboard.cli import exporting, folder, planning
from dashboard.cli.documents import Document
from tests.cli.making import definition, file, openapi, policy, put, saved_api, saved_policy

SAVED = [
    saved_api(definition("Orders & more", "o1")),
    saved_api(definition("Stock", "s1"), categories=["shop"]),
    file({"api_definition": definition("Oas", "oas1"), "oas": openapi("Oas", "oas1")}, ""),
    saved_policy(policy("Gold", "o1", "s1", id="a" * 24)),
]


def write(into: Path, saved: list[Document]) -> exporting.Export:
    found = exporting.plan(saved, folder.read(into))
    for name, text in found.texts.items():
        put(into, name, text)
    return found


def test_what_is_exported_would_change_nothing_when_it_is_applied(tmp_path: Path) -> None:
    found = write(tmp_path, SAVED)
    assert sorted(found.texts) == [
        "apis/oas-oas1.json",
        "apis/orders-more-o1.json",
        "apis/stock-s1.json",
        f"policies/gold-{'a' * 24}.json",
    ]
    made = planning.plan(folder.read(tmp_path), SAVED, prune=True)
    assert (made.steps, made.unchanged) == ([], 4)


def test_keys_are_sorted_and_what_changes_by_itself_is_left_out(tmp_path: Path) -> None:
    found = exporting.plan(SAVED, [])
    gold = json.loads(found.texts[f"policies/gold-{'a' * 24}.json"])
    assert list(gold) == sorted(gold)
    assert "last_updated" not in gold
    assert json.loads(found.texts["apis/stock-s1.json"]).keys() == {"api_definition", "categories"}
    assert json.loads(found.texts["apis/orders-more-o1.json"])["api_id"] == "o1"


def test_a_file_that_says_the_same_is_left_as_it_is(tmp_path: Path) -> None:
    text = "# by hand\nname: Gold\nrate: 10\nper: 60\naccess_rights: {}\n_id: " + "a" * 24
    put(tmp_path, "mine.yaml", text)
    saved = saved_policy(policy("Gold", id="a" * 24))
    assert write(tmp_path, [saved]) == exporting.Export({}, 1, [])


def test_what_was_renamed_keeps_its_file_and_the_files_form(tmp_path: Path) -> None:
    put(tmp_path, "mine.yaml", "name: Silver\naccess_rights: {}\n_id: " + "a" * 24)
    saved = [saved_policy(policy("Gold", id="a" * 24))]
    found = write(tmp_path, saved)
    assert list(found.texts) == ["mine.yaml"]
    assert "\nname: Gold\n" in found.texts["mine.yaml"]
    assert planning.plan(folder.read(tmp_path), saved).steps == []


def test_files_of_what_is_gone_are_told(tmp_path: Path) -> None:
    write(tmp_path, SAVED)
    put(tmp_path, "new.json", definition("New"))
    assert write(tmp_path, SAVED[1:]).stale == ["apis/orders-more-o1.json", "new.json"]


@pytest.mark.parametrize("odd", ["../../etc/passwd", "A", "x" * 300, "…", "a/b", ".", "a\nb"])
def test_no_id_leads_out_of_the_folder(odd: str) -> None:
    (name,) = exporting.plan([saved_api(definition("../Orders", odd))], []).texts
    assert name.startswith("apis/orders-")
    assert name.removeprefix("apis/orders-").removesuffix(".json").isalnum()


def test_different_ids_have_different_files() -> None:
    saved = [saved_api(definition("Orders", id)) for id in ("a", "A", "á", "a/b", "a_b", "a-b")]
    assert len(exporting.plan(saved, []).texts) == len(saved)
