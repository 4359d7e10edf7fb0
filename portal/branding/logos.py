"""Whether a file can be the logo: by what is in it, never by what it is called."""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from portal.branding import svg
from portal.branding.errors import BadLogo

MOST_BYTES = 200_000
MOST_SIDE = svg.MOST_SIDE
SIGNATURE_OF_PNG = b"\x89PNG\r\n\x1a\n"
FRAMES_OF_JPEG = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # these say the size; those three are tables
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True)
class Logo:
    """Serve it with nosniff and a policy that lets it load and run nothing."""

    content_type: str
    data: bytes
    width: int
    height: int


def check_logo(data: bytes, name: str) -> Logo:
    """Return the logo, an SVG as far as it only draws. Raises BadLogo; `name` is the file's, for its sentences."""
    if len(data) > MOST_BYTES:
        raise BadLogo(f"{name} has {len(data):,} bytes; a logo has at most {MOST_BYTES:,}.")
    if data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        drawing = svg.cleaned(data)
        return Logo("image/svg+xml", drawing.data, drawing.width, drawing.height)
    for content_type, (beginning, size_of) in FORMATS.items():
        if data.startswith(beginning):
            return _picture(content_type, size_of, data, name)
    raise BadLogo(f"{name} is no picture that can be used: choose a PNG, JPEG, GIF, WebP or SVG.")


def _picture(content_type: str, size_of: Callable[[bytes], tuple[int, int] | None], data: bytes, name: str) -> Logo:
    try:
        size = size_of(data)
    except (struct.error, IndexError):
        size = None
    if size is None or not all(size):
        raise BadLogo(f"{name} is damaged, or is not the picture that it begins as.")
    if max(size) > MOST_SIDE:
        raise BadLogo(f"{name} is {size[0]:,} × {size[1]:,} pixels; a logo has at most {MOST_SIDE:,} either way.")  # noqa: RUF001
    return Logo(content_type, data, *size)


def _size_of_png(data: bytes) -> tuple[int, int] | None:
    chunks = list(_chunks_of_png(data))
    if len(chunks) < 3 or chunks[0][0] != b"IHDR" or chunks[-1] != (b"IEND", b""):
        return None
    width, height, depth, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    is_known = depth in (1, 2, 4, 8, 16) and kind in (0, 2, 3, 4, 6)
    return (width, height) if is_known and b"IDAT" in dict(chunks) else None


def _chunks_of_png(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kinds and contents; of no kind is what has a wrong sum, and what follows the end."""
    at = len(SIGNATURE_OF_PNG)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        yield (kind, content) if checksum == zlib.crc32(kind + content) else (b"", b"")
        at += length + 12


def _size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in FRAMES_OF_JPEG:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return (width, height) if b"\xff\xd9" in data[at:] else None
        if marker == 0xFF or marker in WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
        elif marker in (0xD9, 0xDA):
            return None
        else:
            at += 2 + max(2, *struct.unpack_from(">H", data, at + 2))
    return None


def _size_of_gif(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from("<HH", data, 6)
    return (width, height) if data[4:6] in (b"7a", b"9a") and data[-1] == 0x3B else None


def _size_of_webp(data: bytes) -> tuple[int, int] | None:
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 != len(data) or data[8:12] != b"WEBP":
        return None
    match data[12:16]:
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L" if data[20] == 0x2F:
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    return None


FORMATS: dict[str, tuple[bytes, Callable[[bytes], tuple[int, int] | None]]] = {
    "image/png": (SIGNATURE_OF_PNG, _size_of_png),
    "image/jpeg": (b"\xff\xd8\xff", _size_of_jpeg),
    "image/gif": (b"GIF8", _size_of_gif),
    "image/webp": (b"RIFF", _size_of_webp),
}
