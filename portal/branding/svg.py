"""SVG that only draws: read without a DTD, kept as far as it stands on a list, and written anew.

What has no part in the picture (comments, metadata, what an editor remembers) is left out. What would be missed is
refused by name, so that nobody wonders why the logo looks otherwise.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from xml.parsers import expat

from portal.branding.errors import BadLogo

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
MOST_ELEMENTS, MOST_DEPTH, MOST_USES = 5_000, 50, 50
MOST_SIDE = 2_000

ELEMENTS = {
    *("svg", "g", "defs", "symbol", "use", "title", "desc", "path", "rect", "circle", "ellipse", "line"),
    *("polyline", "polygon", "linearGradient", "radialGradient", "stop", "clipPath"),
}
LEFT_OUT = {"metadata"}
WITH_TEXT = {"title", "desc"}
ADVICE = {
    "style": "Export it with styles as attributes (“presentation attributes”)",
    "text": "Turn its texts into paths",
    "image": "It may hold no pictures: draw them as paths",
}
PRESENTATION = {
    *("fill", "fill-opacity", "fill-rule", "clip-path", "clip-rule", "color", "display", "visibility", "opacity"),
    *("stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray"),
    *("stroke-dashoffset", "stroke-opacity", "stop-color", "stop-opacity", "paint-order", "vector-effect"),
    *("shape-rendering", "color-interpolation"),
}
ATTRIBUTES = PRESENTATION | {
    *("id", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "fr", "width", "height"),
    *("d", "points", "pathLength", "transform", "viewBox", "preserveAspectRatio", "offset"),
    *("gradientUnits", "gradientTransform", "spreadMethod", "clipPathUnits"),
}
REFERRING = {"use", "linearGradient", "radialGradient"}
MISSED = {"filter", "mask"}  # the picture would look otherwise without
ID = re.compile(r"[A-Za-z_][\w.-]{0,99}", re.ASCII)
LOCAL_URL = re.compile(r"""url\(\s*(["']?)#([A-Za-z_][\w.-]{0,99})\1\s*\)""", re.ASCII)
PLAIN = re.compile(r"[\w#%.,()+\s-]*", re.ASCII)
CALL = re.compile(r"(?<![\w-])([\w-]+)\s*\(")
CALLS = {"matrix", "translate", "scale", "rotate", "skewx", "skewy", "rgb", "rgba", "hsl", "hsla"}
LENGTH = re.compile(r"\s*(\d{1,5}(?:\.\d{1,9})?)(?:px)?\s*")


@dataclass(frozen=True)
class Drawing:
    data: bytes
    width: int
    height: int


def cleaned(data: bytes) -> Drawing:
    """Return the drawing with its size, at most MOST_SIDE either way. Raises BadLogo."""
    writer = _Writer()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:
        raise BadLogo(f"The SVG cannot be read: {error}.") from None
    writer.check_references()
    return Drawing("".join(writer.parts).encode(), *writer.size)


def _refuse_doctype(name: str, *_: object) -> None:
    raise BadLogo("The SVG must have no <!DOCTYPE …> and no entities: take that line out.")


@dataclass
class _Writer:
    """Writes what expat reads."""

    parts: list[str] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    open: list[tuple[str, str]] = field(default_factory=list)  # names and ids
    skipping: int = 0  # how deep within what is left out
    count: int = 0
    ids: set[str] = field(default_factory=set)
    referred: set[str] = field(default_factory=set)
    used: list[str] = field(default_factory=list)
    clipping: set[str] = field(default_factory=set)  # what is used within a clipPath
    with_use: set[str] = field(default_factory=set)  # ids of parts with a `use` in them
    with_clip: set[str] = field(default_factory=set)

    def start(self, qualified: str, found: dict[str, str]) -> None:
        namespace, _, name = qualified.rpartition(" ")
        if self.skipping or namespace not in (SVG, "") or name in LEFT_OUT:
            self.skipping += 1
            return
        self._check_element(name)
        attributes = _attributes(name, found)
        if not self.open:
            self.size = _size(attributes)
            attributes = _of_root(attributes, self.size)
        self.open.append((name, attributes.get("id", "")))
        self._note(name, attributes)
        written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
        self.parts.append(f"<{name}{written}>")

    def end(self, qualified: str) -> None:
        if self.skipping:
            self.skipping -= 1
        else:
            self.parts.append(f"</{self.open.pop()[0]}>")

    def text(self, text: str) -> None:
        if not self.skipping and self.open and self.open[-1][0] in WITH_TEXT:
            self.parts.append(escape(text))

    def check_references(self) -> None:
        """What draws what draws more could, in a few lines, be more than any browser can draw."""
        if missing := self.referred - self.ids:
            raise BadLogo(f"The SVG refers to “#{min(missing)}”, which is not in it.")
        if len(self.used) > MOST_USES or self.with_use.intersection(self.used) or self.clipping & self.with_clip:
            raise BadLogo(
                f"The SVG has more than {MOST_USES} <use>, or one of a part that refers to others: draw it out."
            )

    def _check_element(self, name: str) -> None:
        self.count += 1
        if not self.open and name != "svg":
            raise BadLogo("The file is no SVG: its root is not <svg>.")
        if name not in ELEMENTS:
            raise BadLogo(f"The SVG must not hold <{_shown(name)}>. {ADVICE.get(name, 'Export it as plain shapes')}.")
        if self.count > MOST_ELEMENTS or len(self.open) > MOST_DEPTH:
            raise BadLogo(f"The SVG has more than {MOST_ELEMENTS:,} elements, or more than {MOST_DEPTH} in each other.")

    def _note(self, name: str, attributes: dict[str, str]) -> None:
        around = {id for _, id in self.open if id}
        in_clip = any(name == "clipPath" for name, _ in self.open)
        self.ids.update(filter(None, [attributes.get("id")]))
        self.referred.update(found[2] for value in attributes.values() for found in LOCAL_URL.finditer(value))
        if "href" in attributes:
            self.referred.add(attributes["href"][1:])
        if "clip-path" in attributes:
            self.with_clip |= around
            if in_clip:
                raise BadLogo("The SVG has a clip-path within a <clipPath>: draw it out.")
        if name == "use":
            self.with_use |= around
            self.used.append(attributes.get("href", "#")[1:])
            self.clipping.update(self.used[-1:] if in_clip else [])


def _attributes(element: str, found: dict[str, str]) -> dict[str, str]:
    """Return those that are kept, with what stands in `style` as attributes too."""
    kept: dict[str, str] = {}
    for qualified, value in found.items():
        namespace, _, name = qualified.rpartition(" ")
        if name == "href" and namespace in (XLINK, ""):
            kept["href"] = _local(element, value)
        elif not namespace and name == "style":
            continue
        elif not namespace:
            _keep(kept, name, value, ATTRIBUTES)
    for name, value in _declarations(found.get("style", "")):
        _keep(kept, name, value, PRESENTATION)
    return kept


def _keep(kept: dict[str, str], name: str, value: str, known: set[str]) -> None:
    if name.lower().startswith("on"):
        raise BadLogo(f"The SVG must not run anything: take {_shown(name)} out.")
    if name in MISSED:
        raise BadLogo(f"The SVG must not have a {name}: flatten it into shapes.")
    if name == "id" and not ID.fullmatch(value):
        return
    if name in known:
        kept[name] = _value(name, value)


def _value(name: str, value: str) -> str:
    """Refuse addresses, and functions but those of colours and transformations."""
    rest = LOCAL_URL.sub("", value)
    calls = {call.lower() for call in CALL.findall(rest)}
    if not PLAIN.fullmatch(rest) or not calls <= CALLS:
        raise BadLogo(f"The SVG has a {name} that is not taken: “{_shown(value)}”.")
    return value.strip()


def _local(element: str, target: str) -> str:
    target = target.strip()
    if element not in REFERRING or not target.startswith("#") or not ID.fullmatch(target[1:]):
        raise BadLogo(f"The SVG must not refer to “{_shown(target)}”: only <use> and gradients may, to its own parts.")
    return target


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        yield name.strip().lower(), value.removesuffix("!important").strip()


def _size(root: dict[str, str]) -> tuple[int, int]:
    """Of `width` and `height` if both are pixels, else of the `viewBox`; shrunk to fit into MOST_SIDE."""
    lengths = [LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
    sides = [float(found[1]) for found in lengths if found]
    if len(sides) < 2:
        box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
        sides = [float(side) for side in box[2:4] if LENGTH.fullmatch(side)]
    if len(sides) < 2 or not all(sides):
        raise BadLogo("The SVG says no size: its <svg> needs a viewBox, or width and height in pixels.")
    shrunk = min(1.0, MOST_SIDE / max(sides))
    width, height = (max(1, round(side * shrunk)) for side in sides)
    return width, height


def _of_root(attributes: dict[str, str], size: tuple[int, int]) -> dict[str, str]:
    width, height = attributes.get("width", ""), attributes.get("height", "")
    box = attributes.get("viewBox") or f"0 0 {width.removesuffix('px')} {height.removesuffix('px')}"
    return {"xmlns": SVG, **attributes, "viewBox": box, "width": str(size[0]), "height": str(size[1])}


def _shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
