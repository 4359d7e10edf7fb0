"""What an organisation's variables make of its portal: the stylesheet, and whether people can read it."""

from collections.abc import Iterator

from portal.branding.colours import BLACK, WHITE, Colour, contrast, read_colour, text_on
from portal.branding.errors import BadVariable
from portal.branding.variables import SCHEMES, VARIABLES, Kind, Variables, default

LEAST_CONTRAST = 4.5  # of WCAG AA, for text of any size
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


def stylesheet(variables: Variables) -> str:
    """Return the CSS: every variable for light, then for dark."""
    light, dark = (";".join(_declared(variables, scheme)) for scheme in SCHEMES)
    return f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"


def contrast_faults(variables: Variables) -> list[str]:
    """Return a sentence for each pair of colours that WCAG AA finds too near to each other."""
    return [sentence for scheme in SCHEMES for sentence in _faults(_Palette(variables, scheme), scheme)]


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
            raise BadVariable(f"{name} is not {Kind.COLOUR.value}.")
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
    # What browsers and our other styles colour by themselves is to fit the page, not the scheme that it replaces.
    yield f"color-scheme:{'dark' if text_on(palette.ground('--portal-background')) == WHITE else 'light'}"


def _faults(palette: _Palette, scheme: str) -> Iterator[str]:
    for text, text_name, ground, ground_name in PAIRS:
        ratio = palette.contrast(text_name, ground_name)
        if ratio < LEAST_CONTRAST:
            shown = int(ratio * 10) / 10  # rounded down, so that 4.49 does not read as enough
            yield f"{text} on {ground} in the {scheme} is {shown}:1; WCAG AA asks for {LEAST_CONTRAST}:1."
