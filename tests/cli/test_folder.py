from pathlib import Path

import pytest

from dashboard.cli import folder
from dashboard.cli.failures import Failure
from tests.cli.making import definition, policy, put


def test_files_are_read_however_deep_and_in_order(tmp_path: Path) -> None:
    put(tmp_path, "policies/gold.yaml", "name: Gold\naccess_rights: {}\n")
    put(tmp_path, "apis/shop/orders.json", definition("Orders"))
    put(tmp_path, "README.md", "# Not read")
    put(tmp_path, ".git/config.json", "not JSON")
    put(tmp_path, ".tyk.json", "not JSON")
    found = folder.read(tmp_path)
    assert [(document.file, document.name) for document in found] == [
        ("apis/shop/orders.json", "Orders"),
        ("policies/gold.yaml", "Gold"),
    ]


def test_links_to_other_folders_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/gold.json", policy("Gold"))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert folder.read(tmp_path / "here") == []


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.json", "{", "a.json: Line 1: This is not JSON"),
        ("a.json", '{"name": "x", "name": "y"}', "a.json: Line 1: The key “name” stands twice"),
        ("a.yml", "a: &b c", "a.yml: Line 1: YAML anchors"),
        ("a.json", '{"private": true}', "a.json is neither an API definition nor a policy"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    put(tmp_path, name, text)
    with pytest.raises(Failure) as refused:
        folder.read(tmp_path)
    assert refused.value.message.startswith(sentence)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="is not a folder"):
        folder.read(put(tmp_path, "file", ""))


def test_text_of_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes('{"name": "é"}'.encode("latin-1"))
    with pytest.raises(Failure, match=r"a\.json is not UTF-8"):
        folder.read(tmp_path)
