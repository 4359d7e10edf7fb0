"""A portal's theme: from what an organisation chose to its stylesheet, and whether people can read what it makes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portal.branding.colours import BLACK, WHITE, Colour, contrast, read_colour, text_on
from portal.branding.errors import BadVariable
from portal.branding.variables import SCHEMES, SYSTEM_FONT, VARIABLES, Kind, Variables, default, parse_variables

LEAST_CONTRAST = 4.5  # of WCAG AA, for text of any size
RADII = {"none": "0", "small": "0.25rem", "large": "1rem"}
FAMILIES = {
    "system": SYSTEM_FONT,
    "serif": 'ui-serif, Charter, Georgia, "Times New Roman", serif',
    "mono": 'ui-monospace, Menlo, "Courier New", monospace',
}
PAIRS = (
    ("Text", "--portal-text", "background", "--portal-background"),
    ("Text", "--portal-text", "surface", "--portal-surface"),
    ("Muted text", "--portal-muted", "background", "--portal-background"),
    ("Muted text", "--portal-muted", "surface", "--portal-surface"),
    ("Link", "--portal-link", "background", "--portal-background"),
    ("Link", "--portal-link", "surface", "--portal-surface"),
    ("Header text", "--portal-header-text", "header background", "--portal-header-background"),
)
CANVAS = {"light": WHITE, "dark": BLACK}  # what browsers paint below the page


@dataclass(frozen=True)
class Theme:
    """What an organisation chose, as it typed it; empty is the default.

    Without one of its own the dark has the accent of the light. `custom` holds lines of variables, which count last.
    """

    accent: str = ""
    background: str = ""
    surface: str = ""
    text: str = ""
    link: str = ""
    accent_dark: str = ""
    background_dark: str = ""
    surface_dark: str = ""
    text_dark: str = ""
    link_dark: str = ""
    radius: str = ""
    font: str = ""
    custom: str = ""


ROLES = ("accent", "background", "surface", "text", "link")


def variables_of(theme: Theme) -> Variables:
    """Return the theme's variables. Raises BadVariable with the field."""
    shared = _one_of(theme.radius, RADII, "radius") | _one_of(theme.font, FAMILIES, "font")
    light, dark = _chosen(theme, ""), _chosen(theme, "_dark")
    accent = {name: value for name, value in light.items() if name == "--portal-accent"}
    return Variables({**shared, **light}, {**shared, **accent, **dark}) | parse_variables(theme.custom)


def stylesheet(variables: Variables) -> str:
    """Return the CSS: every variable for light, then for dark."""
    light, dark = (";".join(_declared(variables, scheme)) for scheme in SCHEMES)
    return f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"


def contrast_faults(variables: Variables) -> list[str]:
    """Return a sentence for each pair of colours that WCAG AA finds too near to each other."""
    return [sentence for scheme in SCHEMES for sentence in _faults(_Palette(variables, scheme), scheme)]


def _chosen(theme: Theme, suffix: str) -> dict[str, str]:
    """Return the colours of the fields with this suffix."""
    typed = {role: str(getattr(theme, role + suffix)).strip() for role in ROLES}
    return {f"--portal-{role}": _colour(text, role + suffix) for role, text in typed.items() if text}


def _colour(text: str, field: str) -> str:
    colour = read_colour(text)
    if colour is None:
        raise BadVariable(f"“{text[:40]}” is not {Kind.COLOUR.value}.", field)
    return str(colour)


def _one_of(chosen: str, choices: Mapping[str, str], field: str) -> dict[str, str]:
    if chosen and chosen not in choices:
        raise BadVariable(f"The {field} is one of {', '.join(choices)}.", field)
    return {f"--portal-{field}": choices[chosen]} if chosen else {}


class _Palette:
    """The values of one scheme, with what follows from those that were given."""

    def __init__(self, variables: Variables, scheme: str) -> None:
        self.given, self.scheme = variables.given(scheme), scheme

    def value(self, name: str) -> str:
        if name == "--portal-link" and name not in self.given and self._accent_is_read():
            name = "--portal-accent"
        value = self.given.get(name) or default(name, self.scheme)
        return self.value(value) if value in VARIABLES else value

    def colour(self, name: str) -> Colour:
        colour = read_colour(self.value(name))
        if colour is None:
            raise BadVariable(f"{name} is not {Kind.COLOUR.value}.", "custom")
        return colour

    def ground(self, name: str) -> Colour:
        """Return a colour as it is seen: where it is translucent, the page shines through."""
        page = self.colour("--portal-background").over(CANVAS[self.scheme])
        return page if name == "--portal-background" else self.colour(name).over(page)

    def contrast(self, text: str, ground: str) -> float:
        return contrast(self.colour(text).over(self.ground(ground)), self.ground(ground))

    def _accent_is_read(self) -> bool:
        """Links follow an accent of the organisation's, where it can be read as text."""
        grounds = ("--portal-background", "--portal-surface")
        least = min(self.contrast("--portal-accent", ground) for ground in grounds)
        return "--portal-accent" in self.given and least >= LEAST_CONTRAST


def _declared(variables: Variables, scheme: str) -> Iterator[str]:
    palette = _Palette(variables, scheme)
    yield from (f"{name}:{palette.value(name)}" for name in VARIABLES)
    yield f"--portal-accent-text:{text_on(palette.ground('--portal-accent'))}"


def _faults(palette: _Palette, scheme: str) -> Iterator[str]:
    for text, text_name, ground, ground_name in PAIRS:
        ratio = palette.contrast(text_name, ground_name)
        if ratio < LEAST_CONTRAST:
            shown = int(ratio * 10) / 10  # rounded down, so that 4.49 does not read as enough
            yield f"{text} on {ground} in the {scheme} is {shown}:1; WCAG AA asks for {LEAST_CONTRAST}:1."
