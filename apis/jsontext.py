"""Strict JSON text: nothing that PostgreSQL or a gateway would refuse, or read differently from us.

Python takes NaN, 1e999, lone surrogates and the last of two equal keys; a gateway takes none of them alike.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple, NoReturn, cast

Path = tuple[str | int, ...]

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+')
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Problem:
    """One fault as a sentence; line and column count from 1 and are None where they are not known."""

    message: str
    path: Path = ()
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        return dotted(self.path)

    def __str__(self) -> str:
        return self.message if self.line is None else f"Line {self.line}: {self.message}"


class TextError(ValueError):
    """The text is not a document that can be taken; `problem` says why and where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _RefusedToken(ValueError):
    """Raised inside the JSON reader, which does not tell its callbacks where they are."""


class _RefusedKey(ValueError):
    pass


class Entry(NamedTuple):
    path: Path
    offset: int
    written: str
    is_key: bool


def dotted(path: Path) -> str:
    return ".".join(map(str, path)) or "the document"


def shorten(text: str, length: int = 160) -> str:
    return text if len(text) <= length else f"{text[: length // 2]} … {text[-length // 2 :]}"


def loads(text: str, *, max_depth: int, max_values: int) -> object:
    """Read one JSON value. Raises TextError with the line where it is known."""
    refuse_unstorable_text(text)
    refuse_crowd(sum(map(text.count, "{[,")), max_values)
    value = _read(text, max_depth)
    refuse_odd_values(value, max_depth)
    return value


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def walk(value: object) -> Iterator[tuple[Path, object]]:
    """Yield every value below and including this one, in document order, without recursion."""
    waiting: list[tuple[Path, object]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        yield path, item
        if isinstance(item, dict):
            waiting.extend(((*path, key), inner) for key, inner in reversed(item.items()))
        elif isinstance(item, list):
            waiting.extend(((*path, at), item[at]) for at in reversed(range(len(item))))


def refuse_unstorable_text(text: str) -> None:
    if found := UNSTORABLE.search(text):
        raise at(text, found.start(), "a NUL or half a surrogate pair cannot be stored.")


def refuse_crowd(values: int, max_values: float) -> None:
    if values > max_values:
        raise TextError(Problem(f"The document holds more than {max_values:,} values."))


def refuse_odd_values(value: object, max_depth: int, max_values: float = inf) -> None:
    for count, (path, item) in enumerate(walk(value)):
        refuse_crowd(count, max_values)
        if len(path) >= max_depth and isinstance(item, dict | list):
            raise too_deep(max_depth, path)
        for text in (item, path[-1] if path else ""):
            if isinstance(text, str) and UNSTORABLE.search(text):
                place = dotted(path[:-1] if text is not item else path)
                message = f"{shorten(place)} holds a NUL or half a surrogate pair, which cannot be stored."
                raise TextError(Problem(message, path))


def too_deep(max_depth: int, path: Path = ()) -> TextError:
    where = f" (at {shorten(dotted(path))})" if path else ""
    return TextError(Problem(f"The document is nested more than {max_depth} levels deep{where}.", path))


def at(text: str, offset: int, message: str) -> TextError:
    line, column = position(text, offset)
    return TextError(Problem(message[0].upper() + message[1:], (), line, column))


def position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def locate(text: str, problems: Iterable[Problem]) -> list[Problem]:
    """Give each problem the line of its key, or of the nearest enclosing key that the text has."""
    offsets: dict[Path, int] = {}
    for entry in entries(text):
        offsets.setdefault(entry.path, entry.offset)
    return [_at_nearest(text, offsets, problem) for problem in problems]


def entries(text: str) -> Iterator[Entry]:
    """Yield the place of each key and value of a text that has been read as JSON already."""
    where: list[str | int | None] = []  # per open container: the index, the key, or None before a key
    for match in TOKEN.finditer(text):
        written = match.group()
        if written in "}]":
            where.pop()
        elif written == ",":
            last = where[-1]
            where[-1] = last + 1 if isinstance(last, int) else None
        elif written != ":":
            is_key = bool(where) and where[-1] is None
            if is_key:
                where[-1] = json.loads(written, strict=False)
            yield Entry(cast(Path, tuple(where)), match.start(), written, is_key)
            if written in "{[":
                where.append(None if written == "{" else 0)


def _read(text: str, max_depth: int) -> object:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_token,
            parse_int=_integer,
            parse_float=_real,
        )
    except json.JSONDecodeError as error:
        raise at(text, error.pos, f"this is not JSON: {error.msg}.") from None
    except RecursionError:
        raise too_deep(max_depth) from None
    except _RefusedToken as error:
        raise _token_error(text, str(error)) from None
    except _RefusedKey as error:
        raise _duplicate_error(text, str(error)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _RefusedKey(Counter(key for key, _ in pairs).most_common(1)[0][0])
    return made


def _refuse_token(token: str) -> NoReturn:
    raise _RefusedToken(token)


def _integer(token: str) -> int:
    return int(token) if len(token) <= 300 else _refuse_token(token)  # beyond that a gateway cannot hold it


def _real(token: str) -> float:
    number = float(token)
    return number if abs(number) != float("inf") else _refuse_token(token)


def _token_error(text: str, token: str) -> TextError:
    offset = _first(text, lambda entry: entry.written == token and not entry.is_key)
    return at(text, offset, f"{shorten(token, 40)} is not a number that JSON and gateways know.")


def _duplicate_error(text: str, key: str) -> TextError:
    seen: set[Path] = set()

    def again(entry: Entry) -> bool:
        if not entry.is_key:
            return False
        known = entry.path in seen
        seen.add(entry.path)
        return known and entry.path[-1] == key

    return at(text, _first(text, again), f"the key “{shorten(key, 80)}” stands twice in one object.")


def _first(text: str, wanted: Callable[[Entry], bool]) -> int:
    return next((entry.offset for entry in entries(text) if wanted(entry)), 0)


def _at_nearest(text: str, offsets: dict[Path, int], problem: Problem) -> Problem:
    path = problem.path
    while path and path not in offsets:
        path = path[:-1]
    line, column = position(text, offsets.get(path, 0))
    return replace(problem, line=line, column=column)
