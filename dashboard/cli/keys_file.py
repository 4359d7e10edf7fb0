"""A file of keys to be created: sessions as JSON lines, or CSV. Pure."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from dashboard.cli.failures import Failure

Session = dict[str, Any]

MOST_KEYS, MOST_BYTES = 1_000, 4_000_000  # of a batch
LONGEST_LINE = 1_000_000
METADATA = "meta."
BASE_COLUMNS = ("alias", "apis", "policies")


@dataclass(frozen=True)
class Line:
    """One key, as JSON, and the line of the file that it stands on."""

    number: int
    alias: str
    content: bytes


@dataclass(frozen=True)
class Batch:
    lines: list[Line]

    @property
    def body(self) -> msgspec.Raw:
        return msgspec.Raw(b"[" + b",".join(line.content for line in self.lines) + b"]")

    @property
    def first(self) -> int:
        return self.lines[0].number

    @property
    def words(self) -> str:
        return f"lines {self.first} to {self.lines[-1].number}"


def read(file: Path) -> Iterator[Line]:
    """Yield each key of the file. Raises Failure with the line of what is wrong."""
    reader = read_csv if file.suffix.lower() == ".csv" else read_json_lines
    try:
        yield from reader(file)
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Failure(f"{file} is not UTF-8.") from None


def read_json_lines(file: Path) -> Iterator[Line]:
    """A line is a session, or one of an export, which has it in `data`."""
    decode = msgspec.json.Decoder(Session).decode
    with file.open("rb") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE + 1), b""), 1):
            if len(line) > LONGEST_LINE:
                raise Failure(f"Line {number} is longer than {LONGEST_LINE // 1_000_000} MB.")
            if not line.strip():
                continue
            try:
                found = decode(line)
                session = msgspec.convert(found["data"], Session) if "data" in found else found
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Failure(f"Line {number} is not a JSON object: {error}.") from None
            content = line.strip() if session is found else msgspec.json.encode(session)
            yield Line(number, str(session.get("alias") or ""), content)


def read_csv(file: Path) -> Iterator[Line]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines, strict=True)
        try:
            columns = [name.strip() for name in next(rows, [])]
            refuse_columns(columns)
            for row in rows:
                if any(value.strip() for value in row):
                    yield csv_line(rows.line_num, columns, row)
        except csv.Error as error:
            raise Failure(f"Line {rows.line_num} is not CSV: {error}.") from None


def refuse_columns(columns: list[str]) -> None:
    for name in columns:
        if name not in COLUMNS and not (name.startswith(METADATA) and name != METADATA):
            known = ", ".join(COLUMNS)
            raise Failure(f"There is no column “{name}”: a CSV file may have {known}, and {METADATA}NAME for metadata.")
    if len({*columns}) != len(columns) or not {"apis", "policies"} & {*columns}:
        raise Failure("The first line names the columns, each once, with apis or policies among them.")


def csv_line(number: int, columns: list[str], row: list[str]) -> Line:
    if len(row) != len(columns):
        raise Failure(f"Line {number} has {len(row)} values for {len(columns)} columns.")
    session: Session = {}
    for name, value in zip(columns, map(str.strip, row), strict=True):
        if not value:
            continue
        if name.startswith(METADATA):
            session.setdefault("meta_data", {})[name.removeprefix(METADATA)] = value
            continue
        field, read_value = COLUMNS[name]
        try:
            session[field] = read_value(value)
        except ValueError:
            raise Failure(f"Line {number}: “{value}” is nothing for the column {name}.") from None
    return Line(number, session.get("alias", ""), msgspec.json.encode(session))


def several(value: str) -> list[str]:
    return [part.strip() for part in value.split(";") if part.strip()]


def rights(value: str) -> dict[str, Any]:
    return {api_id: {"api_id": api_id, "api_name": "", "versions": []} for api_id in several(value)}


def moment(value: str) -> int:
    """Read seconds since 1970, or a date or time of ISO 8601, in UTC where it does not say."""
    if value.lstrip("-").isdecimal():
        return int(value)
    read_moment = datetime.fromisoformat(value)
    return int((read_moment if read_moment.tzinfo else read_moment.replace(tzinfo=UTC)).timestamp())


COLUMNS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "alias": ("alias", str),
    "apis": ("access_rights", rights),
    "policies": ("apply_policies", several),
    "rate": ("rate", float),
    "per": ("per", float),
    "quota_max": ("quota_max", int),
    "quota_renewal_rate": ("quota_renewal_rate", int),
    "expires": ("expires", moment),
    "tags": ("tags", several),
}


def batches(lines: Iterator[Line]) -> Iterator[Batch]:
    batch: list[Line] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == MOST_KEYS or size + len(line.content) > MOST_BYTES):
            yield Batch(batch)
            batch, size = [], 0
        batch.append(line)
        size += len(line.content)
    if batch:
        yield Batch(batch)
