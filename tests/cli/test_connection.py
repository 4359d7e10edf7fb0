import os
from pathlib import Path

import pytest

from dashboard.cli import connection
from dashboard.cli.failures import Exit, Failure

KEY = "0123456789abcdef0123456789abcdef"


CONFIG = f"# mine\nurl = https://a.example/\nkey = {KEY}\n"


def config(tmp_path: Path, text: str = CONFIG, mode: int = 0o600) -> dict[str, str]:
    file = tmp_path / "config"
    file.write_text(text)
    file.chmod(mode)
    return {"COMMONHOLD_CONFIG": str(file)}


def refusal(environment: dict[str, str]) -> str:
    with pytest.raises(Failure) as refused:
        connection.read(environment)
    assert refused.value.code is Exit.USAGE
    assert KEY not in refused.value.message
    return refused.value.message


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    given = config(tmp_path) | {"COMMONHOLD_URL": "http://localhost:8000", "COMMONHOLD_KEY": KEY}
    assert connection.read(given).url == "http://localhost:8000"


def test_the_file_is_found_at_home(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "commonhold"
    folder.mkdir(parents=True)
    config(folder)
    found = connection.read({"HOME": str(tmp_path)})
    assert (found.url, found.key) == ("https://a.example", KEY)


def test_the_key_is_in_no_repr(tmp_path: Path) -> None:
    assert KEY not in repr(connection.read(config(tmp_path)))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o602])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    assert "chmod 600" in refusal(config(tmp_path, mode=mode))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "is not a file" in refusal({"COMMONHOLD_CONFIG": str(tmp_path / "pipe")})


def test_the_key_of_one_place_does_not_go_to_the_address_of_another(tmp_path: Path) -> None:
    for name, value in (("COMMONHOLD_URL", "https://b.example"), ("COMMONHOLD_KEY", KEY)):
        assert "belong together" in refusal(config(tmp_path) | {name: value})


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert "Set COMMONHOLD_URL and COMMONHOLD_KEY" in refusal({"COMMONHOLD_CONFIG": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("url = https://a.example", "lacks key"),
        (f"url = https://a.example\nkey = {KEY}\nkey = {KEY}", "line 3"),
        ("password = x", "line 1"),
        (f"url = https://a.example\n{KEY}", "line 2"),
    ],
)
def test_a_file_with_other_lines_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    assert sentence in refusal(config(tmp_path, text))


@pytest.mark.parametrize(
    "url", ["a.example", "ftp://a.example", "https://", "https://u:p@a.example", "https://a.example/?x", "https://[a"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert "the address must be like" in refusal({"COMMONHOLD_URL": url, "COMMONHOLD_KEY": KEY})


@pytest.mark.parametrize("key", ["a\nb", "ä", " "])
def test_a_key_that_cannot_be_a_header_is_refused(key: str) -> None:
    assert "the access key has characters" in refusal({"COMMONHOLD_URL": "https://a.example", "COMMONHOLD_KEY": key})


@pytest.mark.parametrize(
    ("url", "is_overheard"),
    [
        ("https://a.example", False),
        ("http://localhost:8000", False),
        ("http://[::1]:80", False),
        ("http://a.example", True),
    ],
)
def test_it_is_known_where_the_key_travels_unencrypted(url: str, is_overheard: bool) -> None:
    assert connection.Connection(url, KEY).is_overheard is is_overheard
