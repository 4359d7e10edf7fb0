"""Colours as CSS writes them, without anything that CSS computes, and how well one is read on another."""

import colorsys
import re
from dataclasses import dataclass

HEX = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
FUNCTION = re.compile(r"(rgb|hsl)a?\(([^()]*)\)")
NUMBER = r"(?:\d{1,3}(?:\.\d{1,6})?|\.\d{1,6})"
SEPARATORS = re.compile(r"\s*,\s*|\s*/\s*|\s+")
RGB_PART = re.compile(rf"({NUMBER})(%?)")
HUE = re.compile(rf"(-?{NUMBER})(?:deg)?")
PERCENTAGE = re.compile(rf"({NUMBER})%")

NAMED: dict[str, str] = dict(
    re.findall(
        r"([a-z]+):(\w+)",
        """
    aliceblue:f0f8ff antiquewhite:faebd7 aqua:00ffff aquamarine:7fffd4 azure:f0ffff beige:f5f5dc bisque:ffe4c4
    black:000000 blanchedalmond:ffebcd blue:0000ff blueviolet:8a2be2 brown:a52a2a burlywood:deb887
    cadetblue:5f9ea0 chartreuse:7fff00 chocolate:d2691e coral:ff7f50 cornflowerblue:6495ed cornsilk:fff8dc
    crimson:dc143c cyan:00ffff darkblue:00008b darkcyan:008b8b darkgoldenrod:b8860b darkgray:a9a9a9
    darkgreen:006400 darkgrey:a9a9a9 darkkhaki:bdb76b darkmagenta:8b008b darkolivegreen:556b2f darkorange:ff8c00
    darkorchid:9932cc darkred:8b0000 darksalmon:e9967a darkseagreen:8fbc8f darkslateblue:483d8b
    darkslategray:2f4f4f darkslategrey:2f4f4f darkturquoise:00ced1 darkviolet:9400d3 deeppink:ff1493
    deepskyblue:00bfff dimgray:696969 dimgrey:696969 dodgerblue:1e90ff firebrick:b22222 floralwhite:fffaf0
    forestgreen:228b22 fuchsia:ff00ff gainsboro:dcdcdc ghostwhite:f8f8ff gold:ffd700 goldenrod:daa520
    gray:808080 green:008000 greenyellow:adff2f grey:808080 honeydew:f0fff0 hotpink:ff69b4 indianred:cd5c5c
    indigo:4b0082 ivory:fffff0 khaki:f0e68c lavender:e6e6fa lavenderblush:fff0f5 lawngreen:7cfc00
    lemonchiffon:fffacd lightblue:add8e6 lightcoral:f08080 lightcyan:e0ffff lightgoldenrodyellow:fafad2
    lightgray:d3d3d3 lightgreen:90ee90 lightgrey:d3d3d3 lightpink:ffb6c1 lightsalmon:ffa07a lightseagreen:20b2aa
    lightskyblue:87cefa lightslategray:778899 lightslategrey:778899 lightsteelblue:b0c4de lightyellow:ffffe0
    lime:00ff00 limegreen:32cd32 linen:faf0e6 magenta:ff00ff maroon:800000 mediumaquamarine:66cdaa
    mediumblue:0000cd mediumorchid:ba55d3 mediumpurple:9370db mediumseagreen:3cb371 mediumslateblue:7b68ee
    mediumspringgreen:00fa9a mediumturquoise:48d1cc mediumvioletred:c71585 midnightblue:191970 mintcream:f5fffa
    mistyrose:ffe4e1 moccasin:ffe4b5 navajowhite:ffdead navy:000080 oldlace:fdf5e6 olive:808000 olivedrab:6b8e23
    orange:ffa500 orangered:ff4500 orchid:da70d6 palegoldenrod:eee8aa palegreen:98fb98 paleturquoise:afeeee
    palevioletred:db7093 papayawhip:ffefd5 peachpuff:ffdab9 peru:cd853f pink:ffc0cb plum:dda0dd
    powderblue:b0e0e6 purple:800080 rebeccapurple:663399 red:ff0000 rosybrown:bc8f8f royalblue:4169e1
    saddlebrown:8b4513 salmon:fa8072 sandybrown:f4a460 seagreen:2e8b57 seashell:fff5ee sienna:a0522d
    silver:c0c0c0 skyblue:87ceeb slateblue:6a5acd slategray:708090 slategrey:708090 snow:fffafa
    springgreen:00ff7f steelblue:4682b4 tan:d2b48c teal:008080 thistle:d8bfd8 tomato:ff6347 turquoise:40e0d0
    violet:ee82ee wheat:f5deb3 white:ffffff whitesmoke:f5f5f5 yellow:ffff00 yellowgreen:9acd32
    """,
    )
)


@dataclass(frozen=True)
class Colour:
    """`red`, `green` and `blue` from 0 to 255; `alpha` from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def __str__(self) -> str:
        channels = "".join(f"{round(value):02x}" for value in (self.red, self.green, self.blue))
        return f"#{channels}" if self.alpha == 1 else f"#{channels}{round(self.alpha * 255):02x}"

    def over(self, ground: "Colour") -> "Colour":
        """Return what is seen where this one lies on `ground`."""
        pairs = ((self.red, ground.red), (self.green, ground.green), (self.blue, ground.blue))
        return Colour(*(above * self.alpha + below * (1 - self.alpha) for above, below in pairs))

    @property
    def luminance(self) -> float:
        """The relative luminance of WCAG."""
        red, green, blue = (_linear(value / 255) for value in (self.red, self.green, self.blue))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue


WHITE, BLACK = Colour(255, 255, 255), Colour(0, 0, 0)


def read_colour(text: str) -> Colour | None:
    """Read #rgb[a], #rrggbb[aa], rgb() and hsl() of numbers, or a name; None is no colour."""
    text = text.strip().lower()
    if HEX.fullmatch(text):
        return _of_hex(text[1:])
    if text in NAMED:
        return _of_hex(NAMED[text])
    found = FUNCTION.fullmatch(text)
    return _of_function(found[1], SEPARATORS.split(found[2].strip())) if found else None


def contrast(one: Colour, other: Colour) -> float:
    """Return WCAG's ratio of two opaque colours, from 1 to 21."""
    darker, lighter = sorted((one.luminance, other.luminance))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(ground: Colour) -> Colour:
    """Return whichever of black and white is read better; that is always 4.5:1 or more."""
    return max(WHITE, BLACK, key=lambda text: contrast(text, ground))


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _of_hex(digits: str) -> Colour:
    if len(digits) <= 4:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue, *alpha = bytes.fromhex(digits)
    return Colour(red, green, blue, *(value / 255 for value in alpha))


def _of_function(name: str, parts: list[str]) -> Colour | None:
    if len(parts) not in (3, 4):
        return None
    channels = _rgb(parts[:3]) if name == "rgb" else _hsl(*parts[:3])
    alpha = _share(parts[3], of=1) if len(parts) == 4 else 1.0
    return None if channels is None or alpha is None else Colour(*channels, alpha)


def _rgb(parts: list[str]) -> tuple[float, float, float] | None:
    red, green, blue = (_share(part, of=255) for part in parts)
    return None if red is None or green is None or blue is None else (red, green, blue)


def _share(text: str, *, of: float) -> float | None:
    """Read a number from 0 to `of`, or a percentage of it."""
    found = RGB_PART.fullmatch(text)
    if not found:
        return None
    return min(of, float(found[1]) * of / 100 if found[2] else float(found[1]))


def _hsl(hue: str, saturation: str, lightness: str) -> tuple[float, float, float] | None:
    turn, colourful, light = HUE.fullmatch(hue), PERCENTAGE.fullmatch(saturation), PERCENTAGE.fullmatch(lightness)
    if not turn or not colourful or not light:
        return None
    shares = (min(1.0, float(found[1]) / 100) for found in (light, colourful))
    red, green, blue = colorsys.hls_to_rgb(float(turn[1]) / 360 % 1, *shares)
    return red * 255, green * 255, blue * 255
