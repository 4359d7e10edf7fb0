"""The commands that read and write files: `apply`, `export` and `import keys`."""

from contextlib import ExitStack
from pathlib import Path

import click

from dashboard.cli import applying, exporting, importing, planning
from dashboard.cli import folder as folders
from dashboard.cli.client import Client
from dashboard.cli.exporting import Export
from dashboard.cli.failures import Exit, Failure
from dashboard.cli.importing import Todo
from dashboard.cli.kinds import everything
from dashboard.cli.output import Output, step_json
from dashboard.cli.planning import Action, Plan, Unplannable
from dashboard.cli.talking import YES, counted, talks
from dashboard.cli.writing import FOR_ITS_OWNER, write

FOLDER = click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False))


@click.command(
    help="Make the server's APIs and policies say what the files of a FOLDER say.",
    short_help="Make APIs and policies be as a folder says.",
)
@FOLDER
@click.option("--dry-run", is_flag=True, help="Only show what would change; exit code 3 if anything would.")
@click.option("--prune", is_flag=True, help="Also delete what is not in the folder, after showing it and asking.")
@YES
@talks
def apply(client: Client, output: Output, folder: Path, dry_run: bool, prune: bool, yes: bool) -> None:
    plan = plan_of(client, folder, prune=prune)
    output.steps(plan.steps)
    if not dry_run:
        carry_out(client, output, plan, yes=yes)
    output.json({"steps": list(map(step_json, plan.steps)), "unchanged": plan.unchanged, "is_done": not dry_run})
    output.say(summary(plan, is_done=not dry_run))
    if dry_run and plan.steps:
        raise SystemExit(Exit.CHANGES)


def plan_of(client: Client, folder: Path, *, prune: bool) -> Plan:
    files = folders.read(folder)
    if not files:
        raise Failure(f"{folder} has no file that ends in {', '.join(folders.SUFFIXES)}: is it the right folder?")
    try:
        return planning.plan(files, applying.saved_documents(client), prune=prune)
    except Unplannable as error:
        raise Failure(str(error)) from None


def carry_out(client: Client, output: Output, plan: Plan, *, yes: bool) -> None:
    if plan.deletions:
        output.agree(f"Delete {counted(len(plan.deletions), 'object')} that the folder has not?", yes=yes)
    with output.progress("Applying", len(plan.steps)) as done:
        applying.run(client, plan, done)


def summary(plan: Plan, *, is_done: bool) -> str:
    if not plan.steps:
        return f"Nothing to do: {plan.unchanged} are as the folder says."
    numbers = [(sum(step.action is action for step in plan.steps), action) for action in Action]
    steps = ", ".join(f"{number} to {action}" for number, action in numbers if number)
    return f"{steps}, {plan.unchanged} as they are. {'Done.' if is_done else 'Nothing was sent.'}"


@click.command(
    help="Write the server's APIs and policies into a FOLDER, a file for each.",
    short_help="Write APIs and policies into a folder.",
)
@FOLDER
@click.option("--keys", type=click.Choice(["yes", "no"]), default="no", show_default=True,
              help="Whether keys.jsonl is written too: the sessions of all keys, without secrets.")  # fmt: skip
@click.option("--prune", is_flag=True, help="Also delete files of what is no longer at the server, after asking.")
@YES
@talks
def export(client: Client, output: Output, folder: Path, keys: str, prune: bool, yes: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found = exporting.plan(applying.saved_documents(client), folders.read(folder))
    if prune and found.stale:
        output.say("\n".join(f"- {name}" for name in found.stale))
        output.agree(f"Delete {counted(len(found.stale), 'file')} of what is not at the server?", yes=yes)
    write_files(output, folder, found)
    for name in found.stale:
        if prune:
            (folder / name).unlink(missing_ok=True)
        else:
            output.warn(f"{name} is of something that is not at the server; --prune deletes it.")
    if keys == "yes":
        write_keys(client, folder / "keys.jsonl")
    output.json({"written": sorted(found.texts), "unchanged": found.unchanged, "stale": found.stale})
    output.say(f"Wrote {counted(len(found.texts), 'file')}; {found.unchanged} said the same already.")


def write_files(output: Output, folder: Path, found: Export) -> None:
    with output.progress("Writing", len(found.texts)) as done:
        for name, text in found.texts.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write(folder / name, text)
            done(1)


def write_keys(client: Client, file: Path) -> None:
    items = sorted(everything(client, "keys"), key=lambda item: str(item.get("key_hash")))
    write(file, "".join(map(exporting.key_line, items)), mode=FOR_ITS_OWNER)


@click.group("import", help="Create objects from a file.")
def import_() -> None:
    """Only holds the commands."""


@import_.command("keys", help="Create keys from a FILE of JSON lines (a session each) or CSV.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path), help="A new file for the issued keys, for its owner alone.")
@click.option("--show", is_flag=True, help="Print the issued keys, where others may see them.")
@click.option("--from", "start", type=click.IntRange(1), default=1, metavar="LINE", help="Go on from this line.")
@talks
def import_keys(client: Client, output: Output, file: Path, out: Path | None, show: bool, start: int) -> None:
    if not out and not show:
        raise click.UsageError("Say --out FILE, or --show: a key is told once and never again.")
    todo = Todo(file, start)
    count = todo.count()
    with ExitStack() as stack:
        keeps = [stack.enter_context(importing.opened(out, is_new=start == 1))] if out else []
        keeps += [importing.show] if show else []
        done = stack.enter_context(output.progress("Creating keys", count))
        importing.run(client, todo, keeps, done)
    if not show:
        output.json({"created": count, "out": str(out)})
        output.say(f"Created {counted(count, 'key')}; they are in {out}.")
