"""What all commands share: how they are called, what they may be told, how they end."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from dashboard.cli import connection
from dashboard.cli.client import Client
from dashboard.cli.failures import Failure
from dashboard.cli.output import Output

YES = click.option("--yes", is_flag=True, help="Do not ask.")


class Commands(click.Group):
    """Ends with a sentence also where this machine, and not the dashboard, is in the way."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise Failure(f"{where}{error.strerror or error}.") from None


def talks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--json` and `--quiet`, and call it with a client and with how to print."""

    @click.option("--json", "is_json", is_flag=True, help="Print JSON, for scripts.")
    @click.option("--quiet", "is_quiet", is_flag=True, help="Print only what goes wrong.")
    @wraps(command)
    def talking(*, is_json: bool, is_quiet: bool, **given: Any) -> None:
        output = Output(is_json=is_json, is_quiet=is_quiet)
        found = connection.read(os.environ)
        if found.is_overheard:
            output.warn(f"The access key travels unencrypted to {found.url}: use https.")
        with Client(found) as client:
            command(client, output, **given)

    return talking


def counted(number: int, word: str) -> str:
    many = word.removesuffix("y") + "ies" if word.endswith("cy") else f"{word}s"
    return f"{number:,} {word if number == 1 else many}"
