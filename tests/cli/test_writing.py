import os
from pathlib import Path

import pytest

from dashboard.cli.writing import FOR_ITS_OWNER, write


def test_a_file_is_replaced_at_once(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")
    write(file, "new")
    assert file.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_file_of_keys_is_its_owners_alone(tmp_path: Path) -> None:
    write(tmp_path / "keys.jsonl", "x", mode=FOR_ITS_OWNER)
    assert (tmp_path / "keys.jsonl").stat().st_mode & 0o777 == 0o600


def test_what_is_interrupted_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    file = tmp_path / "a.json"
    file.write_text("old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(file, "new")
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]
