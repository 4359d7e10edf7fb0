"""The CSS variables of a portal, and how an organisation writes values of its own for them.

A value is read by the grammar of its kind and written anew, so that nothing of what was typed reaches a stylesheet.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum

from portal.branding.colours import read_colour
from portal.branding.errors import BadVariable

MOST_CHARACTERS = 10_000
FONTS = (
    *("Arial", "Charter", "Courier New", "Garamond", "Georgia", "Helvetica", "Menlo", "Optima", "Palatino"),
    *("Segoe UI", "Tahoma", "Times New Roman", "Trebuchet MS", "Verdana", "monospace", "sans-serif", "serif"),
    *("system-ui", "ui-monospace", "ui-rounded", "ui-sans-serif", "ui-serif"),
)
MOST_FONTS = 8
LENGTH = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)(px|rem|%)")
SECTIONS = ("@light", "@dark")


class Kind(Enum):
    COLOUR = "a colour such as #0b62bd, rgb(11, 98, 189), hsl(211, 89%, 39%) or navy"
    LENGTH = "a length such as 8px, 0.5rem or 100%"
    FONT = f"names out of this list, with commas between them: {', '.join(FONTS)}"


@dataclass(frozen=True)
class Variable:
    """`light` and `dark` are the defaults; one that names another variable is that one's value."""

    name: str
    kind: Kind
    description: str
    light: str
    dark: str


def _colour(name: str, description: str, light: str, dark: str) -> Variable:
    return Variable(f"--portal-{name}", Kind.COLOUR, description, light, dark)


SYSTEM_FONT = 'system-ui, "Segoe UI", Helvetica, Arial, sans-serif'
DOCUMENTED = (
    _colour("accent", "Buttons, and marks of what is chosen", "#0b62bd", "#0b62bd"),
    _colour("background", "The page", "#f6f7f9", "#16181c"),
    _colour("surface", "Cards, tables, fields and menus", "#ffffff", "#202329"),
    _colour("text", "Text and headings", "#1d232c", "#e6e8ec"),
    _colour("muted", "Quieter text: summaries, labels, dates", "#535b68", "#adb3bd"),
    _colour("border", "Lines around cards and between rows", "#dde1e7", "#363a43"),
    _colour("link", "Links", "#0a5bb0", "#84bbfb"),
    _colour("header-background", "The bar at the top", "--portal-surface", "--portal-surface"),
    _colour("header-text", "Name and navigation in the bar at the top", "--portal-text", "--portal-text"),
    Variable("--portal-radius", Kind.LENGTH, "How round corners are", "0.5rem", "0.5rem"),
    Variable("--portal-width", Kind.LENGTH, "The most that pages are wide", "72rem", "72rem"),
    Variable("--portal-font", Kind.FONT, "The font", SYSTEM_FONT, SYSTEM_FONT),
)
VARIABLES = {variable.name: variable for variable in DOCUMENTED}
SCHEMES = ("light", "dark")


@dataclass(frozen=True)
class Variables:
    """The values that an organisation has given, by name."""

    light: Mapping[str, str] = field(default_factory=dict)
    dark: Mapping[str, str] = field(default_factory=dict)

    def given(self, scheme: str) -> Mapping[str, str]:
        return self.dark if scheme == "dark" else self.light


def parse_variables(text: str) -> Variables:
    """Read lines of `--portal-name: value;`. Raises BadVariable with the line.

    Those above any section are for light and dark, those below `@light` or `@dark` for that one.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadVariable(f"The variables have at most {MOST_CHARACTERS:,} characters.")
    both: dict[str, str] = {}
    sections: dict[str, dict[str, str]] = {"": both, "@light": {}, "@dark": {}}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("@"):
            section = _section(line, number)
        elif line:
            name, value = _declaration(line, number)
            if name in sections[section]:
                raise BadVariable(f"Line {number}: {name} is there twice.")
            sections[section][name] = value
    return Variables({**both, **sections["@light"]}, {**both, **sections["@dark"]})


def read_value(name: str, text: str) -> str | None:
    """Return the value of a variable as it is written into a stylesheet; None is not of its kind."""
    text = text.strip()
    match VARIABLES[name].kind:
        case Kind.COLOUR:
            colour = read_colour(text)
            return str(colour) if colour else None
        case Kind.LENGTH:
            return text if text == "0" or LENGTH.fullmatch(text) else None
        case Kind.FONT:
            return _fonts(text)


def default(name: str, scheme: str) -> str:
    variable = VARIABLES[name]
    return variable.dark if scheme == "dark" else variable.light


def _section(line: str, number: int) -> str:
    name = line.rstrip(" :").lower()
    if name not in SECTIONS:
        raise BadVariable(f"Line {number}: a section is @light or @dark, alone on its line.")
    return name


def _declaration(line: str, number: int) -> tuple[str, str]:
    name, colon, text = (part.strip() for part in line.partition(":"))
    if not colon or not name.startswith("--"):
        raise BadVariable(f"Line {number}: write --portal-name: value; here.")
    if name not in VARIABLES:
        raise BadVariable(f"Line {number}: there is no variable {name[:60]}.{_meant(name)}")
    value = read_value(name, text.removesuffix(";"))
    if value is None:
        raise BadVariable(f"Line {number}: {name} is {VARIABLES[name].kind.value}.")
    return name, value


def _meant(name: str) -> str:
    near = get_close_matches(name, VARIABLES, n=1)
    return f" Did you mean {near[0]}?" if near else f" There are {', '.join(VARIABLES)}."


def _fonts(text: str) -> str | None:
    known = {font.lower(): font for font in FONTS}
    names = [known.get(part.strip().strip("\"'").lower()) for part in text.split(",")]
    if len(names) > MOST_FONTS or None in names:
        return None
    return ", ".join(f'"{name}"' if name and " " in name else str(name) for name in names)
