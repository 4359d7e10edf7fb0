"""Themes: values of the documented kinds and nothing else, and whether people can read what they make."""

import re

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portal.branding import DOCUMENTED, BadVariable, Variables, contrast_faults, parse_variables, stylesheet
from portal.branding.colours import Colour, contrast, read_colour, text_on
from portal.branding.variables import FONTS, VARIABLES

CUSTOM = """
--portal-accent: #0A7;
--portal-font: trebuchet ms, 'Georgia', serif;

@light
--portal-background: rgb(250 250 250)
@dark:
  --portal-background : hsl(220, 10%, 10%) ;
--portal-accent: orange
"""


def declarations(css: str) -> list[dict[str, str]]:
    """Return what is declared for light and for dark."""
    blocks = re.findall(r":root\{([^{}]*)\}", css)
    return [dict(line.split(":", 1) for line in block.split(";")) for block in blocks]


def refusal(text: str) -> str:
    with pytest.raises(BadVariable) as caught:
        parse_variables(text)
    return str(caught.value)


def test_lines_above_the_sections_are_for_light_and_dark() -> None:
    shared = {"--portal-font": '"Trebuchet MS", Georgia, serif'}
    assert parse_variables(CUSTOM) == Variables(
        {"--portal-accent": "#00aa77", **shared, "--portal-background": "#fafafa"},
        {"--portal-accent": "#ffa500", **shared, "--portal-background": "#17191c"},
    )


def test_without_anything_given_the_stylesheet_has_the_defaults() -> None:
    css = stylesheet(parse_variables(""))
    light, dark = declarations(css)
    assert css.index("@media (prefers-color-scheme: dark)") > css.index("--portal-accent")
    assert set(light) == set(dark) == {*VARIABLES, "--portal-accent-text", "color-scheme"}
    assert (light["--portal-surface"], dark["--portal-surface"]) == ("#ffffff", "#202329")


def test_defaults_can_be_read() -> None:
    assert contrast_faults(Variables()) == []


def test_every_variable_is_described_and_its_default_is_of_its_kind() -> None:
    for variable in VARIABLES.values():
        assert variable.description
        for value in {variable.light, variable.dark} - set(VARIABLES):
            assert parse_variables(f"{variable.name}: {value}").light == {variable.name: value}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("--portal-accent: red; color: blue", "--portal-accent is a colour such as"),
        ("--portal-accent: red}body{display:none", "--portal-accent is a colour such as"),
        ("--portal-accent: url(//evil.example/x)", "--portal-accent is a colour such as"),
        ("--portal-accent: r\\65 d", "--portal-accent is a colour such as"),
        ("--portal-accent: red /* x */", "--portal-accent is a colour such as"),
        ("--portal-accent: var(--portal-text)", "--portal-accent is a colour such as"),
        ("--portal-accent: rgb(calc(1),2,3)", "--portal-accent is a colour such as"),
        ("--portal-accent: expression(alert(1))", "--portal-accent is a colour such as"),
        ("--portal-accent: currentcolor", "--portal-accent is a colour such as"),
        ("--portal-accent: #12345", "--portal-accent is a colour such as"),
        ("--portal-accent: red !important", "--portal-accent is a colour such as"),
        ("--portal-accent:", "--portal-accent is a colour such as"),
        ("--portal-radius: 5", "--portal-radius is a length such as"),
        ("--portal-radius: -5px", "--portal-radius is a length such as"),
        ("--portal-radius: 5px 5px", "--portal-radius is a length such as"),
        ("--portal-radius: 99999px", "--portal-radius is a length such as"),
        ("--portal-width: calc(1px)", "--portal-width is a length such as"),
        ("--portal-font: Comic Sans MS", "--portal-font is names out of this list"),
        ("--portal-font: serif; src: url(x)", "--portal-font is names out of this list"),
        ("--portal-font: serif,", "--portal-font is names out of this list"),
        ("--portal-font: " + "serif," * 9 + "serif", "--portal-font is names out of this list"),
        ("--portal-colour: red", "there is no variable --portal-colour"),
        ("--portal-acent: red", "there is no variable --portal-acent. Did you mean --portal-accent?"),
        ("--tblr-primary: red", "there is no variable --tblr-primary"),
        ("--PORTAL-ACCENT: red", "there is no variable --PORTAL-ACCENT"),
        ("accent: red", "write --portal-name: value; here"),
        (":root {", "write --portal-name: value; here"),
        ("/* x */", "write --portal-name: value; here"),
        ("--portal-accent red", "write --portal-name: value; here"),
        ("@import url(//evil.example)", "a section is @light or @dark"),
        ("@dark { --portal-accent: red }", "a section is @light or @dark"),
    ],
)
def test_what_is_not_of_its_kind_is_refused_with_its_line(line: str, reason: str) -> None:
    sentence = refusal(f"--portal-border: red\n\n{line}")
    assert sentence.startswith(f"Line 3: {reason}")


def test_a_variable_that_is_there_twice_is_refused_but_not_in_another_section() -> None:
    twice = "--portal-accent: red\n--portal-accent: blue"
    assert refusal(twice) == "Line 2: --portal-accent is there twice."
    assert refusal(f"@dark\n{twice}") == "Line 3: --portal-accent is there twice."
    assert parse_variables("--portal-accent: red\n@dark\n--portal-accent: blue").dark == {"--portal-accent": "#0000ff"}


def test_variables_have_a_largest_size() -> None:
    assert refusal("\n" * 10_001) == "The variables have at most 10,000 characters."


def test_a_page_that_is_dark_in_the_light_has_the_fields_and_badges_of_the_dark() -> None:
    light, dark = declarations(stylesheet(parse_variables("@light\n--portal-background: #222")))
    assert (light["color-scheme"], dark["color-scheme"]) == ("dark", "dark")
    light, dark = declarations(stylesheet(Variables()))
    assert (light["color-scheme"], dark["color-scheme"]) == ("light", "dark")


def test_the_header_follows_cards_and_text() -> None:
    light, dark = declarations(stylesheet(parse_variables("@light\n--portal-surface: navy\n--portal-text: white")))
    assert (light["--portal-header-background"], light["--portal-header-text"]) == ("#000080", "#ffffff")
    assert dark["--portal-header-background"] == "#202329"


def test_links_follow_the_accent_where_it_can_be_read() -> None:
    light, dark = declarations(stylesheet(parse_variables("--portal-accent: #00563f")))
    assert (light["--portal-link"], dark["--portal-link"]) == ("#00563f", "#84bbfb")
    chosen, _ = declarations(stylesheet(parse_variables("--portal-accent: #00563f\n--portal-link: #000")))
    assert chosen["--portal-link"] == "#000000"


def test_colours_that_are_too_near_are_told() -> None:
    assert contrast_faults(parse_variables("@light\n--portal-link: #999\n@dark\n--portal-text: #7f8187")) == [
        "Link on background in the light is 2.6:1; WCAG AA asks for 4.5:1.",
        "Link on surface in the light is 2.8:1; WCAG AA asks for 4.5:1.",
        "Text on surface in the dark is 4.0:1; WCAG AA asks for 4.5:1.",
        "Header text on header background in the dark is 4.0:1; WCAG AA asks for 4.5:1.",
    ]


def test_what_shines_through_counts_as_it_is_seen() -> None:
    faint = contrast_faults(parse_variables("@light\n--portal-text: #0004"))
    assert "Text on background in the light is 1.9:1; WCAG AA asks for 4.5:1." in faint
    # White would hide the dark's header text; that much of it does not.
    assert contrast_faults(parse_variables("--portal-header-background: #fff0")) == []


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#abc", "#aabbcc"),
        ("#ABCD", "#aabbccdd"),
        ("#0b62bd", "#0b62bd"),
        ("#0b62bd80", "#0b62bd80"),
        ("#0b62bdff", "#0b62bd"),
        (" Navy ", "#000080"),
        ("rgb(11, 98, 189)", "#0b62bd"),
        ("RGB(11 98 189 / 50%)", "#0b62bd80"),
        ("rgba(300,0,0,.5)", "#ff000080"),
        ("rgb(100%, 0%, 50%)", "#ff0080"),
        ("hsl(120, 100%, 25%)", "#008000"),
        ("hsl(-240deg 100% 25%)", "#008000"),
        ("hsla(0,0%,100%,0)", "#ffffff00"),
    ],
)
def test_colours_are_read(text: str, colour: str) -> None:
    assert str(read_colour(text)) == colour


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "#12",
        "#ggg",
        "rgb(1,2)",
        "rgb(1,2,3,4,5)",
        "rgb(a,b,c)",
        "hsl(1,2,3)",
        "hsl(1,,3%)",
        "transparent",
        "#١٢٣",
    ],
)
def test_what_is_no_colour_is_not_read(text: str) -> None:
    assert read_colour(text) is None


def test_contrast_is_wcags() -> None:
    white, grey = Colour(255, 255, 255), Colour(0x76, 0x76, 0x76)
    assert contrast(white, Colour(0, 0, 0)) == pytest.approx(21)
    assert contrast(grey, white) == contrast(white, grey) == pytest.approx(4.54, abs=0.005)


@given(st.builds(Colour, *[st.integers(0, 255)] * 3))
def test_text_on_any_accent_can_be_read(accent: Colour) -> None:
    assert contrast(text_on(accent), accent) >= 4.5


def test_the_file_of_styles_has_the_documented_defaults() -> None:
    css = (settings.BASE_DIR / "static/portal.css").read_text()
    (root,) = re.findall(r"^:root \{(.*?)^\}", css, re.DOTALL | re.MULTILINE)
    written = dict(re.findall(r"(--[\w-]+): (.*);", root))
    for variable in DOCUMENTED:
        values = [f"var({value})" if value in VARIABLES else value for value in (variable.light, variable.dark)]
        expected = values[0] if values[0] == values[1] else f"light-dark({', '.join(values)})"
        assert written.pop(variable.name) == expected
    assert written == {"--portal-accent-text": "#ffffff"}


NAME = st.sampled_from([*VARIABLES, "--portal-x", "@light", "@dark", "@import"])
VALUE = st.sampled_from(
    [*FONTS[:3], "red", "#abc", "1px", "url(x)", "}", "{", ";", "/*", "*/", "\\", '"', "<", "\x0c", ":"]
)


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NAME, st.lists(VALUE | st.text(max_size=3), max_size=3)), max_size=4))
def test_nothing_but_declarations_of_variables_reaches_a_stylesheet(lines: list[tuple[str, list[str]]]) -> None:
    try:
        css = stylesheet(parse_variables("\n".join(f"{name}: {''.join(values)}" for name, values in lines)))
    except BadVariable:
        return
    value = r"(?:#[0-9a-f]{6,8}|0|[\d.]+(?:px|rem|%)|[\w ,\"-]+)"
    block = rf":root\{{(?:--portal-[a-z-]+:{value};)+color-scheme:(?:light|dark)\}}"
    assert re.fullmatch(rf"{block}\n@media \(prefers-color-scheme: dark\)\{{{block}\}}\n", css)
