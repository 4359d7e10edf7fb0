"""Creates the keys of a file, batch by batch, and keeps what was issued before it asks for more."""

import os
import signal
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import click
import msgspec

from dashboard.cli import keys_file
from dashboard.cli.client import Client, Unanswered
from dashboard.cli.connection import OTHERS
from dashboard.cli.failures import Exit, Failure
from dashboard.cli.keys_file import Batch
from dashboard.cli.writing import FOR_ITS_OWNER

KEYS = "/api/keys"


class IssuedKey(msgspec.Struct):
    key_id: str
    key_hash: str = ""

    def __repr__(self) -> str:
        return f"IssuedKey({self.key_hash})"


class IssuedKeys(msgspec.Struct):
    keys: list[IssuedKey]


class Record(msgspec.Struct):
    """A line of what was issued: the line of the file, and its key."""

    line: int
    alias: str
    key_id: str
    key_hash: str


Keep = Callable[[list[Record]], object]


@dataclass
class Stop:
    """Whether Ctrl-C was pressed: keys that the server is creating must be received first."""

    wanted: bool = False


@dataclass(frozen=True)
class Todo:
    """The keys of a file from a line on."""

    file: Path
    start: int = 1

    def count(self) -> int:
        """Read the whole file, before anything is sent: its last line may be wrong."""
        return sum(len(batch.lines) for batch in self.batches())

    def batches(self) -> Iterator[Batch]:
        return keys_file.batches(line for line in keys_file.read(self.file) if line.number >= self.start)


def run(client: Client, todo: Todo, keeps: Sequence[Keep], done: Callable[[int], None]) -> None:
    with held_back() as stop:
        for batch in todo.batches():
            if stop.wanted:
                raise Failure(f"Stopped. {go_on(batch.first)}")
            records = create(client, batch)
            try:
                for keep in keeps:
                    keep(records)
            except OSError as error:
                lost = f"The keys of {batch.words} were created but not kept ({error.strerror}): delete them."
                raise Failure(lost) from None
            done(len(batch.lines))


def create(client: Client, batch: Batch) -> list[Record]:
    try:
        reply = client.post(KEYS, batch.body)
        issued = msgspec.convert(reply.document, IssuedKeys).keys
        pairs = list(zip(batch.lines, issued, strict=True))
    except Unanswered as error:
        raise unknown(batch.words, error.message, Exit.UNREACHABLE) from None
    except (msgspec.ValidationError, ValueError):
        raise unknown(batch.words, "The server's answer was not understood.", Exit.REFUSED) from None
    except Failure as error:
        message = f"None of {batch.words} was created: {error.message} {go_on(batch.first)}"
        raise Failure(message, error.code) from None
    return [Record(line.number, line.alias, key.key_id, key.key_hash) for line, key in pairs]


def unknown(lines: str, message: str, code: Exit) -> Failure:
    return Failure(f"{message} It is not known whether the keys of {lines} were created: look for them first.", code)


def go_on(line: int) -> str:
    return f"Everything before line {line} was done; --from {line} goes on there."


@contextmanager
def held_back() -> Iterator[Stop]:
    """Note Ctrl-C and being told to end, and let what is under way be finished."""
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        stop.wanted = True

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def opened(file: Path, *, is_new: bool) -> Iterator[Keep]:
    """Yield what appends issued keys to a file that its owner alone may read, and that is on the disk then."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | (os.O_CREAT if is_new else 0)
    try:
        descriptor = os.open(file, flags, FOR_ITS_OWNER)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "ab") as output:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & OTHERS:
            raise Failure(f"{file} may be read by others: chmod 600 it.")
        if is_new and status.st_size:
            raise Failure(f"{file} has keys already: name another file.")
        yield lambda records: append(output, records)


def append(output: BinaryIO, records: list[Record]) -> None:
    output.write(lines_of(records))
    output.flush()
    os.fsync(output.fileno())


def show(records: list[Record]) -> None:
    click.echo(lines_of(records), nl=False)


def lines_of(records: list[Record]) -> bytes:
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)
