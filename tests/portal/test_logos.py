"""Logos: pictures by what is in them, and drawings that only draw."""

import contextlib
import time
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.branding import BadLogo, Logo, check_logo, svg
from tests.portal import pictures

PICTURES = {
    "image/png": pictures.png,
    "image/jpeg": pictures.jpeg,
    "image/gif": pictures.gif,
    "image/webp": pictures.webp,
    "image/webp ": pictures.webp_lossless,
    "image/webp  ": pictures.webp_extended,
}
every_picture = pytest.mark.parametrize(("content_type", "make"), PICTURES.items())
NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def fault_of(data: bytes) -> str:
    with pytest.raises(BadLogo) as caught:
        check_logo(data, "logo.png")
    return str(caught.value)


def drawing(inner: str, attributes: str = 'viewBox="0 0 40 20"') -> bytes:
    return f"<svg {NAMESPACES} {attributes}>{inner}</svg>".encode()


def cleaned(inner: str, attributes: str = 'viewBox="0 0 40 20"') -> str:
    """Return what is kept within the root."""
    text = check_logo(drawing(inner, attributes), "logo.svg").data.decode()
    return text.partition(">")[2].removesuffix("</svg>")


@every_picture
def test_a_picture_is_known_by_what_is_in_it(content_type: str, make: Callable[..., bytes]) -> None:
    data = make(40, 20)
    assert check_logo(data, "logo.exe") == Logo(content_type.strip(), data, 40, 20)


@every_picture
def test_a_picture_may_have_2000_pixels_and_no_more(content_type: str, make: Callable[..., bytes]) -> None:
    assert check_logo(make(2_000, 1), "logo.png").width == 2_000
    assert fault_of(make(1, 2_001)) == "logo.png is 1 × 2,001 pixels; a logo has at most 2,000 either way."  # noqa: RUF001


@every_picture
def test_a_picture_that_is_cut_off_is_refused(content_type: str, make: Callable[..., bytes]) -> None:
    data = make()
    faults = {fault_of(data[:length]) for length in range(16, len(data))}
    assert faults == {"logo.png is damaged, or is not the picture that it begins as."}


@pytest.mark.parametrize(
    "data",
    [
        pictures.png() + b"<script>",
        pictures.png() + bytes(12),
        pictures.png().replace(b"IDAT", b"IDOT"),
        pictures.png(0, 20),
        pictures.gif() + b"<script>",
        pictures.webp() + b"<script>",
        pictures.gif().replace(b"89a", b"88a"),
        b"\xff\xd8\xff\xd9",
    ],
)
def test_a_picture_with_something_wrong_in_it_is_refused(data: bytes) -> None:
    assert "damaged" in fault_of(data)


@pytest.mark.parametrize("data", [b"", b"BM" + bytes(60), b"%PDF-1.7", b"\0\0\x01\0", b"logo", b"\xff\xfe<\0s\0"])
def test_other_files_are_refused(data: bytes) -> None:
    assert fault_of(data) == "logo.png is no picture that can be used: choose a PNG, JPEG, GIF, WebP or SVG."


def test_a_large_file_is_refused() -> None:
    assert fault_of(bytes(200_001)) == "logo.png has 200,001 bytes; a logo has at most 200,000."


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(PICTURES.values())), st.integers(0, 60), st.binary(max_size=12))
def test_no_file_breaks_the_reading(make: Callable[..., bytes], at: int, noise: bytes) -> None:
    data = make()
    try:
        logo = check_logo(data[:at] + noise + data[at + len(noise) :], "logo.png")
    except BadLogo:
        return
    assert 0 < logo.width <= 2_000
    assert 0 < logo.height <= 2_000


def test_a_drawing_keeps_its_shapes() -> None:
    inner = (
        '<title>Acme &amp; Sons</title><defs><linearGradient id="a"><stop offset="0" stop-color="#fff"></stop>'
        '</linearGradient><linearGradient id="b" href="#a" gradientTransform="rotate(45)"></linearGradient>'
        '<clipPath id="c"><rect width="9" height="9"></rect></clipPath></defs><g fill="url(#b)" clip-path="url(#c)">'
        '<path d="M1-2.5e3C0,0 1 1z" stroke="rgb(1, 2, 3)"></path></g><use href="#c"></use>'
    )
    assert cleaned(inner) == inner


@pytest.mark.parametrize(
    ("inner", "kept"),
    [
        ('<use xlink:href="#a"/><path id="a"/>', '<use href="#a"></use><path id="a"></path>'),
        ('<path style="fill:#fff; font:9px;-x:y;stroke : red !important"/>', '<path fill="#fff" stroke="red"></path>'),
        ('<path fill="red" style="fill:blue"/>', '<path fill="blue"></path>'),
        ('<path class="a" data-name="b" role="img" enable-background="new" xml:space="preserve"/>', "<path></path>"),
        ("<!-- a --><?b c?><metadata><path/></metadata><path/>d", "<path></path>"),
        ('<i:grid xmlns:i="http://inkscape" onload="x"><path/></i:grid><path/>', "<path></path>"),
        ('<title>a<i:b xmlns:i="urn:i">c</i:b>&lt;script></title>', "<title>a&lt;script&gt;</title>"),
        ('<path id="1a"/>', "<path></path>"),
        ("<path d='M0 0\n1 1'/>", '<path d="M0 0 1 1"></path>'),
        ("<path fill='url( \"#a\" ) red'/><g id='a'/>", '<path fill="url( &quot;#a&quot; ) red"></path><g id="a"></g>'),
    ],
)
def test_what_draws_nothing_is_left_out(inner: str, kept: str) -> None:
    assert cleaned(inner) == kept


@pytest.mark.parametrize(
    ("attributes", "size", "written"),
    [
        ('viewBox="0 0 24 12"', (24, 12), 'viewBox="0 0 24 12" width="24" height="12"'),
        ('viewBox="-1,-1,24.4,12"', (24, 12), 'viewBox="-1,-1,24.4,12" width="24" height="12"'),
        ('width="48px" height="24"', (48, 24), 'width="48" height="24" viewBox="0 0 48 24"'),
        ('width="100%" height="5mm" viewBox="0 0 8000 4000"', (2_000, 1_000), None),
        ('viewBox="0 0 0.5 0.5"', (1, 1), None),
    ],
)
def test_a_drawing_says_its_size(attributes: str, size: tuple[int, int], written: str | None) -> None:
    logo = check_logo(drawing("", attributes), "logo.svg")
    assert (logo.content_type, logo.width, logo.height) == ("image/svg+xml", *size)
    if written:
        assert logo.data.decode() == f'<svg xmlns="http://www.w3.org/2000/svg" {written}></svg>'


@pytest.mark.parametrize("attributes", ["", 'viewBox="0 0 0 0"', 'viewBox="0 0 a b"', 'width="9"', 'viewBox="none"'])
def test_a_drawing_without_a_size_is_refused(attributes: str) -> None:
    assert fault_of(drawing("<path/>", attributes)).startswith("The SVG says no size")


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        ("<script>alert(1)</script>", "must not hold <script>"),
        ("<SCRIPT/>", "must not hold <SCRIPT>"),
        ("<g><g><script href='//evil.example/x.js'/></g></g>", "must not hold <script>"),
        ("<foreignObject><b xmlns='http://www.w3.org/1999/xhtml'/></foreignObject>", "must not hold <foreignObject>"),
        ("<style>path{fill:url(//evil.example)}</style>", "presentation attributes"),
        ("<image href='//evil.example/x.png'/>", "draw them as paths"),
        ("<text>Acme</text>", "Turn its texts into paths"),
        ("<a href='javascript:alert(1)'><path/></a>", "must not hold <a>"),
        ("<animate attributeName='href' to='javascript:alert(1)'/>", "must not hold <animate>"),
        ("<set attributeName='onload' to='alert(1)'/>", "must not hold <set>"),
        ("<feImage href='//evil.example'/>", "must not hold <feImage>"),
        ("<use href='//evil.example/x.svg#a'/>", "must not refer to “//evil.example/x.svg#a”"),
        ("<use xlink:href='data:image/svg+xml,x#a'/>", "must not refer to"),
        ("<use href='#a'/>", "refers to “#a”, which is not in it"),
        ("<path fill='url(#a)'/>", "refers to “#a”, which is not in it"),
        ("<path xlink:href='#a' id='a'/>", "only <use> and gradients"),
        ("<path onclick='alert(1)'/>", "take onclick out"),
        ("<path ONLOAD='alert(1)'/>", "take ONLOAD out"),
        ("<path fill='url(//evil.example/x.svg#a)'/>", "has a fill that is not taken"),
        ("<path fill='url(evil.svg#a)'/>", "has a fill that is not taken"),
        ("<path fill='u\\72l(x)'/>", "has a fill that is not taken"),
        ("<path fill='image(x)'/>", "has a fill that is not taken"),
        ("<path style='fill:URL(https://evil.example)'/>", "has a fill that is not taken"),
        ("<path style='fill:expression(1)'/>", "has a fill that is not taken"),
        ("<path clip-path='url(https://evil.example/x#a)'/>", "has a clip-path that is not taken"),
        ("<path filter='url(#a)'/>", "must not have a filter"),
        ("<path style='mask:url(#a)'/>", "must not have a mask"),
        ("<g id='a'><use href='#b'/></g><path id='b'/><use href='#a'/>", "refers to others"),
        ("<use id='a' href='#a'/>", "refers to others"),
        ("<path id='a'/>" + "<use href='#a'/>" * 51, "more than 50 <use>"),
        ("<clipPath id='a'><path clip-path='url(#a)'/></clipPath>", "clip-path within a <clipPath>"),
        (
            "<clipPath id='a'><use href='#b'/></clipPath><g id='b'><path clip-path='url(#c)'/></g><clipPath id='c'/>",
            "refers to others",
        ),
        ("<g>" * 60 + "</g>" * 60, "more than 50 in each other"),
        ("<g/>" * 5_000, "more than 5,000 elements"),
        ("<g>", "cannot be read"),
        ("<x:g/>", "cannot be read"),
        ("&a;", "cannot be read"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(inner: str, reason: str) -> None:
    assert reason in fault_of(drawing(inner))


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE svg>",
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
        '<?xml version="1.0"?>\n<!DOCTYPE svg>',
    ],
)
def test_a_document_type_is_refused_before_anything_of_it_is_read(head: str) -> None:
    assert "<!DOCTYPE …>" in fault_of(head.encode() + drawing("&a;"))


@pytest.mark.parametrize("data", [b"<html/>", b"<", b"<svg/>x", b"<?xml version='1.0' encoding='nonsense'?><svg/>"])
def test_what_is_no_drawing_is_refused(data: bytes) -> None:
    assert fault_of(data).startswith(("The file is no SVG", "The SVG cannot be read", "The SVG says no size"))


def test_a_drawing_may_begin_with_a_mark_and_a_declaration() -> None:
    data = b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\n' + drawing("<title>é</title>")
    assert "é" in check_logo(data, "logo.svg").data.decode()


PARTS = (
    *("<g>", "</g>", "<path", "/>", ">", "<use", "<script>", "</script>", "<style>", "<![CDATA[", "]]>", "<!--", "-->"),
    *(" id='a'", " href='#a'", " href='javascript:x'", " xlink:href='#a'", " onload='x'", " fill='url(#a)'", " x='1'"),
    *(" style='fill:red'", " style='fill:url(x)'", "<clipPath", "<title>", "</title>", "&lt;", "&quot;", "<?x ?>", "x"),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_no_drawing_that_is_taken_holds_anything_that_is_not_listed(inner: str) -> None:
    try:
        logo = check_logo(drawing(inner), "logo.svg")
    except BadLogo:
        return
    for element in ElementTree.fromstring(logo.data).iter():  # noqa: S314
        assert element.tag.removeprefix(f"{{{svg.SVG}}}") in svg.ELEMENTS
        assert set(element.attrib) <= svg.ATTRIBUTES | {"href"}
        assert element.get("href", "#").startswith("#")
        assert "url(x" not in str(element.attrib)
    assert check_logo(logo.data, "logo.svg") == logo


@pytest.mark.parametrize("piece", ["a", "a-", "a ", "url(", "url(#a", "(", "1,", "-"])
def test_long_value_is_read_in_a_moment(piece: str) -> None:
    began = time.process_time()
    data = drawing(f'<path d="{piece * (190_000 // len(piece))}"/>', 'viewBox="0 0 1 1"')
    with contextlib.suppress(BadLogo):
        check_logo(data, "logo.svg")
    assert time.process_time() - began < 2
