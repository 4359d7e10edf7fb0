"""docs/cli.md names what there is, and nothing else."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dashboard.cli import connection, keys_file, main
from dashboard.cli.failures import Exit
from dashboard.cli.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "cli.md").read_text()


def first_column(title: str) -> set[str]:
    section = DOCUMENT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([^|]+) \|", section, flags=re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`|^(\d)$", cell) for word in word if word}


def test_every_variable_is_named() -> None:
    named = first_column("Whom it speaks to, and as whom")
    assert named == {connection.URL, connection.KEY, connection.CONFIG}


def test_every_command_is_named() -> None:
    assert isinstance(main, click.Group)
    named = {words.split()[1] for words in first_column("Commands")}
    assert named == {*main.commands}


def test_every_kind_and_column_and_exit_code_is_named() -> None:
    assert all(f"`{kind}`" in DOCUMENT for kind in KINDS)
    assert first_column("Importing keys") == {*keys_file.COLUMNS, f"{keys_file.METADATA}NAME"}
    assert first_column("Exit codes") == {str(code.value) for code in Exit}


@pytest.mark.parametrize("words", [[], *([name] for name in main.commands), ["import", "keys"]])
def test_every_command_helps(words: list[str]) -> None:
    helped = CliRunner().invoke(main, [*words, "--help"])
    assert helped.exit_code == 0
    assert "Usage:" in helped.output


def test_no_key_can_be_given_in_the_arguments() -> None:
    for name, command in main.commands.items():
        assert not {"key", "url", "token"} & {parameter.name for parameter in command.params}, name


def test_the_project_installs_the_command() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["commonhold"].partition(":")
    assert getattr(import_module(module), name) is main


def test_the_command_needs_no_django() -> None:
    looks = "import sys, dashboard.cli; print([name for name in sys.modules if name.partition('.')[0] == 'django'])"
    found = subprocess.run([sys.executable, "-c", looks], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout == "[]\n"
