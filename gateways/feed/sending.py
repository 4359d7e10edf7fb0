"""The two lists that gateways fetch: streamed out of PostgreSQL as they are stored, nothing of them in memory.

What was sent lies in a file of this machine, until something in it changes: then the next gateway has it read anew.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from psycopg import sql

from gateways.models import FeedItem, GatewayGroup, Node
from orgs import scope

CHUNK, ROWS = 256 * 1024, 50
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Gateways give up after 30 s: nothing is read any longer for one that does not listen.
LONGEST_S = 35
# A text of JSON holds neither of these, so that nothing has to be quoted.
COPY = """
COPY (
    SELECT ',' || item.text FROM gateways_feeditem AS item JOIN gateways_serving AS serving USING (organisation_id)
    WHERE serving.group_id = {group} AND NOT serving.is_off AND item.kind = {kind} AND item.is_served {segment}
) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')
"""
STATE = """
SELECT pg_current_snapshot()::text, count(*) FROM gateways_serving WHERE group_id = %(group)s
"""
# A snapshot that lies ahead is of another PostgreSQL, from which this one was restored.
IS_UNCHANGED = """
SELECT pg_snapshot_xmax(%(snapshot)s::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
    AND (SELECT count(*) FROM gateways_serving WHERE group_id = %(group)s) = %(servings)s
    AND NOT EXISTS (
        SELECT FROM gateways_serving WHERE group_id = %(group)s
            AND NOT pg_visible_in_snapshot(since::text::xid8, %(snapshot)s::pg_snapshot))
    AND NOT EXISTS (
        SELECT FROM gateways_feeditem AS item JOIN gateways_serving AS serving USING (organisation_id)
        WHERE serving.group_id = %(group)s AND item.kind = %(kind)s
            AND item.since >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)::text::bigint
            AND NOT pg_visible_in_snapshot(item.since::text::xid8, %(snapshot)s::pg_snapshot))
"""


@dataclass(frozen=True)
class State:
    """What was read: all that this snapshot of PostgreSQL saw, of so many organisations, for nodes with these tags.

    `boot` is the start of the machine in which it was written down.
    """

    snapshot: str
    servings: int
    tags: list[str]
    boot: str


@dataclass
class Feed:
    """The parts of a list between its brackets, and how many bytes they are where that is known beforehand."""

    state: State
    chunks: Iterator[bytes]
    length: int | None = None


def feed_of(group: GatewayGroup, kind: str) -> Feed:
    """Return what the group's nodes are to load; the chunks are read after the request, in their own transaction."""
    path = folder() / f"{group.pk}.{kind}"
    if kept := _kept(path, group, kind):
        return kept
    with scope.opened(scope.EVERYTHING):
        state = _state(group)
    return Feed(state, _keeping(path, state, _read(group, kind)))


def folder() -> Path:
    path = Path(settings.VAR_DIR) / "feeds"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _state(group: GatewayGroup) -> State:
    with connection.cursor() as cursor:
        cursor.execute(STATE, {"group": group.pk})
        snapshot, servings = cursor.fetchone()
    return State(snapshot, servings, list(group.tags), _boot())


def _boot() -> str:
    """Say which start of the machine this is: where it crashed, a file's name may be there and its text not.

    Waiting for the disk instead took as long as a third of the reading. Only Linux says it.
    """
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def _read(group: GatewayGroup, kind: str) -> Iterator[bytes]:
    """Yield the entries with commas between them, some hundred kilobytes at a time."""
    segment: sql.Composable = sql.SQL("")
    if group.tags and kind == FeedItem.APIS:
        segment = sql.SQL("AND item.tags && {}::text[]").format(list(group.tags))
    statement = sql.SQL(COPY).format(group=group.pk, kind=kind, segment=segment)
    ends = time.monotonic() + LONGEST_S
    with scope.opened(scope.EVERYTHING), connection.cursor() as cursor, cursor.copy(statement) as copy:
        rows = iter(copy)
        buffer = [row[1:] for row in islice(rows, 1)]  # nothing stands before the first comma
        while several := list(islice(rows, ROWS)):
            buffer += several
            if sum(map(len, buffer)) < CHUNK:
                continue
            yield b"".join(buffer)
            buffer = []
            if time.monotonic() > ends:
                raise TimeoutError("The gateway reads its feed too slowly.")
        yield b"".join(buffer)


def _keeping(path: Path, state: State, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass the chunks on, and leave them in the file once all have been read."""
    _tidy(path)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
        try:
            file.write(json.dumps(asdict(state)).encode() + b"\n")
            for chunk in chunks:
                file.write(chunk)
                yield chunk
            file.flush()
            os.replace(file.name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file.name)
            raise


def _tidy(path: Path) -> None:
    """Remove what a process left that was killed while it wrote."""
    for left in path.parent.glob(f"{path.name}.*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > LONGEST_S:
                left.unlink()


def _kept(path: Path, group: GatewayGroup, kind: str) -> Feed | None:
    """Return what lies in the file, if it is still what the group's nodes are to load."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        state = State(**json.loads(file.readline()))
    except (ValueError, TypeError):  # damaged, or of another release
        file.close()
        return None
    values = {"group": group.pk, "kind": kind, "snapshot": state.snapshot, "servings": state.servings}
    with scope.opened(scope.EVERYTHING), connection.cursor() as cursor:
        cursor.execute(IS_UNCHANGED, values)
        is_unchanged = cursor.fetchone()[0] and (state.tags, state.boot) == (list(group.tags), _boot())
    if not is_unchanged:
        file.close()
        return None
    length = os.fstat(file.fileno()).st_size - file.tell()
    return Feed(state, _pieces(file), length)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(CHUNK):
            yield piece


def note_sent(node: Node, kind: str, state: State) -> None:
    """Write down what the node has got, once it has got all of it."""
    with scope.opened(scope.INSTALLATION), connection.cursor() as cursor:
        # The gateway waits for this. Lost in a crash, the node is told to reload once more than it needs.
        cursor.execute("SET LOCAL synchronous_commit = off")
        rows = Node.objects.filter(pk=node.pk)
        if kind == FeedItem.APIS:
            rows.update(apis_snapshot=state.snapshot, apis_at=Now())
        else:
            rows.update(policies_snapshot=state.snapshot, policies_at=Now())
