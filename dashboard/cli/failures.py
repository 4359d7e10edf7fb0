"""How a command ends: a code for scripts, a sentence for people."""

import re
from enum import IntEnum

import click

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Exit(IntEnum):
    """What scripts go by; `docs/cli.md` says the same."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    CHANGES = 3
    NOT_ALLOWED = 4
    UNREACHABLE = 5


class Failure(click.ClickException):
    """The command cannot go on; the message is a sentence."""

    def __init__(self, message: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(plain(message))
        self.code = code
        self.exit_code = code  # type: ignore[misc] # click means each class to have one


def plain(text: str) -> str:
    """Return the text without what a terminal would obey: names and messages were written by others."""
    return CONTROL.sub("�", text)
