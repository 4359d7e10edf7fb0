"""The command `commonhold`: each command says what it does in its help, and `docs/cli.md` says it all."""

import click

from dashboard.cli import connection
from dashboard.cli.client import Client
from dashboard.cli.file_commands import apply, export, import_
from dashboard.cli.kinds import KINDS, everything, matching, name_of
from dashboard.cli.output import Output, document
from dashboard.cli.talking import YES, Commands, counted, talks

KIND = click.argument("kind", type=click.Choice(list(KINDS)), metavar="KIND")
HELP = f"""Manage a Commonhold dashboard from the command line.

Address and access key come from {connection.URL} and {connection.KEY}, or else from the file
~/.config/commonhold/config ({connection.CONFIG} names another), which its owner alone may read (chmod 600), with
the lines

\b
    url = https://gateways.example.com
    key = 0123456789abcdef0123456789abcdef"""


@click.group(cls=Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Only holds the commands."""


main.add_command(apply)
main.add_command(export)
main.add_command(import_)


@main.command("list", help=f"List the objects of a KIND: {', '.join(KINDS)}.", short_help="List the objects of a kind.")
@KIND
@click.option("--search", default="", metavar="WORDS", help="Only those in whose row all of the words stand.")
@talks
def list_(client: Client, output: Output, kind: str, search: str) -> None:
    found = [*matching(search, kind, everything(client, kind))]
    output.json([item for item, _ in found])
    output.table(KINDS[kind].headers, [row for _, row in found])


@main.command(help="Print one object, as JSON.")
@KIND
@click.argument("id")
@talks
def get(client: Client, output: Output, kind: str, id: str) -> None:
    listed = KINDS[kind]
    found = client.get(listed.address(id), **listed.query).document
    if not output.is_quiet:
        document(found)


@main.command(help="Delete objects, after showing them and asking.")
@KIND
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@YES
@talks
def delete(client: Client, output: Output, kind: str, ids: tuple[str, ...], yes: bool) -> None:
    listed = KINDS[kind]
    found = {id: client.get(listed.address(id), **listed.query) for id in dict.fromkeys(ids)}
    for id, reply in found.items():
        output.say(f"- {listed.word} {id} {name_of(reply.document)}".rstrip())
    output.agree(f"Delete {counted(len(found), listed.word)}?", yes=yes)
    deleted = []
    for id, reply in found.items():
        client.delete(listed.address(id), etag=reply.etag, **listed.query)
        deleted.append(id)
    output.json({"deleted": deleted})
    output.say(f"Deleted {counted(len(deleted), listed.word)}.")


@main.command(help="Print who the access key's user is.")
@talks
def whoami(client: Client, output: Output) -> None:
    user = client.get("/api/users/me").document
    output.json(user)
    rights = user.get("user_permissions") or {}
    told = {
        "e-mail": user.get("email_address"),
        "name": f"{user.get('first_name') or ''} {user.get('last_name') or ''}".strip(),
        "organisation": user.get("org_id"),
        "may": ", ".join(f"{kind}: {level}" for kind, level in rights.items()),
        "at": client.url,
    }
    output.table(("", ""), list(told.items()))
