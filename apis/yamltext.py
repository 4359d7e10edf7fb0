"""YAML as far as it says the same as JSON: one document, no anchors, aliases or tags, dates left as texts.

Built from the parser's events, so that nothing is expanded or constructed before it has been looked at.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from apis.jsontext import Problem, TextError, at, refuse_odd_values, refuse_unstorable_text, shorten

PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one on libyaml is ten times faster
# libyaml compares each directive with all before it: a megabyte of them takes minutes.
DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029])%")
NULLS = {"", "~", "null", "Null", "NULL"}
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(r"[-+]?[0-9]{1,300}", re.ASCII)
REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?", re.ASCII)

Container = dict[str, object] | list[object]


@dataclass
class Open:
    """A container that is being read, and in a mapping the key whose value comes next."""

    container: Container
    key: str | None = None

    @property
    def wants_key(self) -> bool:
        return isinstance(self.container, dict) and self.key is None

    def add(self, value: object) -> None:
        if isinstance(self.container, list):
            self.container.append(value)
        elif self.key is not None:
            self.container[self.key], self.key = value, None


def loads(text: str, *, max_depth: int, max_values: int) -> object:
    """Read one YAML document. Raises TextError with the line where it is known."""
    refuse_unstorable_text(text)
    if found := DIRECTIVE.search(text):
        raise at(text, found.end() - 1, "YAML directives (“%…”) are not taken.")
    try:
        value = _build(_checked(yaml.parse(text, Loader=PARSER), max_values), max_depth)
    except yaml.MarkedYAMLError as error:
        raise _at(error.problem_mark, f"This is not YAML: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise TextError(Problem(f"This is not YAML: {shorten(' '.join(str(error).split()))}.")) from None
    refuse_odd_values(value, max_depth)
    return value


def _checked(events: Iterable[yaml.Event], max_values: int) -> Iterator[yaml.Event]:
    documents = 0
    for count, event in enumerate(events):
        documents += isinstance(event, yaml.DocumentStartEvent)
        if count > max_values:
            raise _at(event.start_mark, f"The document holds more than {max_values:,} values.")
        if documents > 1:
            raise _at(event.start_mark, "Only one YAML document can be read at a time.")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise _at(event.start_mark, "YAML anchors and aliases are not taken: write the value out.")
        if getattr(event, "tag", None) is not None:
            raise _at(event.start_mark, "YAML tags (“!…”) are not taken.")
        yield event


def _build(events: Iterable[yaml.Event], max_depth: int) -> object:
    document: list[object] = []
    containers = [Open(document)]
    for event in events:
        top = containers[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            _refuse_misplaced(event, top, len(containers) > max_depth, max_depth)
            containers.append(Open({} if isinstance(event, yaml.MappingStartEvent) else []))
        elif isinstance(event, yaml.CollectionEndEvent):
            containers.pop()
            containers[-1].add(top.container)
        elif isinstance(event, yaml.ScalarEvent):
            _take_scalar(event, top)
    return document[0] if document else None


def _refuse_misplaced(event: yaml.Event, top: Open, is_too_deep: bool, max_depth: int) -> None:
    if is_too_deep:
        raise _at(event.start_mark, f"The document is nested more than {max_depth} levels deep.")
    if top.wants_key:
        raise _at(event.start_mark, "A key must be a text.")


def _take_scalar(event: yaml.ScalarEvent, top: Open) -> None:
    if not top.wants_key:
        top.add(_plain(event.value) if event.implicit[0] else event.value)
    elif event.value in top.container:
        raise _at(event.start_mark, f"The key “{shorten(event.value, 80)}” stands twice in one mapping.")
    else:
        top.key = event.value


def _plain(text: str) -> object:
    """Read an unquoted scalar by YAML 1.2, where `no` is a text; a number that JSON lacks stays one too."""
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if REAL.fullmatch(text) else text


def _at(mark: Any, message: str) -> TextError:
    if mark is None:
        return TextError(Problem(message))
    return TextError(Problem(message, (), mark.line + 1, mark.column + 1))
