"""What is printed. Answers go to standard output, progress and questions to standard error."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from dashboard.cli.documents import ABSENT, Change
from dashboard.cli.failures import Exit, Failure, plain
from dashboard.cli.kinds import Row
from dashboard.cli.planning import Action, Step

COLOURS = {Action.CREATE: "green", Action.CHANGE: "yellow", Action.DELETE: "red"}
SIGNS = {Action.CREATE: "+", Action.CHANGE: "~", Action.DELETE: "-"}
LONGEST_VALUE = 200


@dataclass(frozen=True)
class Output:
    """How a command prints: for scripts as JSON, or for people; or only what goes wrong."""

    is_json: bool = False
    is_quiet: bool = False

    def say(self, sentence: str) -> None:
        if not self.is_json and not self.is_quiet:
            click.echo(plain(sentence))

    def warn(self, sentence: str) -> None:
        if not self.is_quiet:
            click.echo(plain(sentence), err=True)

    def json(self, value: object) -> None:
        """Print a value that a script asked for."""
        if self.is_json:
            document(value)

    def table(self, headers: Sequence[str], rows: Sequence[Row]) -> None:
        """Print a table; where nobody looks, a line for each row, with tabs and without headers."""
        if self.is_json or self.is_quiet:
            return
        texts = [["" if value is None else plain(str(value)).replace("\n", " ") for value in row] for row in rows]
        if not sys.stdout.isatty():
            for row in texts:
                click.echo("\t".join(value.replace("\t", " ") for value in row))
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(headers))
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in texts:
            table.add_row(*map(Text, row))
        Console().print(table)

    def steps(self, steps: Sequence[Step]) -> None:
        if self.is_json or self.is_quiet:
            return
        console = Console(highlight=False, soft_wrap=True)
        for step in steps:
            console.print(Text(f"{SIGNS[step.action]} {headline(step)}", style=COLOURS[step.action]))
            for change in step.changes:
                console.print(difference(change))

    def agree(self, question: str, *, yes: bool) -> None:
        """Return if it is wanted. Where nobody sees what it is about, `--yes` has to say so."""
        if yes:
            return
        if self.is_json or self.is_quiet or not sys.stdin.isatty():
            raise Failure("Say --yes where nobody is shown what will be deleted.", Exit.USAGE)
        if not click.confirm(plain(question), err=True):
            raise Failure("Nothing was changed.")

    @contextmanager
    def progress(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar while the block runs, where somebody looks; call what is yielded with what has been done."""
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        is_shown = sys.stderr.isatty() and not self.is_quiet
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=not is_shown) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.advance(task, done)


def document(value: object) -> None:
    """Print JSON; control characters are escaped in it."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)))


def headline(step: Step) -> str:
    file = f"  {step.document.file}" if step.document.file else ""
    return plain(f"{step.action} {step.document}{file}")


def difference(change: Change) -> Text:
    line = Text(f"    {plain('.'.join(change.path))}: ")
    if change.before is not ABSENT:
        line.append(shown(change.before), "red")
    if change.before is not ABSENT and change.after is not ABSENT:
        line.append(" → ")
    if change.after is not ABSENT:
        line.append(shown(change.after), "green")
    return line.append("  (removed)") if change.after is ABSENT else line


def shown(value: object) -> str:
    text = plain(msgspec.json.encode(value).decode())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} …"


def step_json(step: Step) -> dict[str, Any]:
    fields = []
    for change in step.changes:
        sides = {"before": change.before, "after": change.after}
        present = {side: value for side, value in sides.items() if value is not ABSENT}
        fields.append({"path": list(change.path), **present})
    found = step.document
    return {
        "action": step.action, "kind": found.kind, "id": found.id, "name": found.name, "file": found.file,
        "fields": fields,
    }  # fmt: skip
