"""What an organisation writes in Markdown, as markup that does nothing: no script, no style, nothing from elsewhere.

markdown-it makes the markup, and takes HTML for text; nh3 then keeps what stands on a list. Each alone would do.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

MOST_CHARACTERS = 100_000
MOST_STEPS = 250_000  # of the parser, which for some nested quotes needs as many as the square of their lines
MOST_MARKUP = 400_000  # characters: a long address that many links share would make hundreds of millions
MOST_STEPS_OF_ALL, MOST_MARKUP_OF_ALL = 150_000, 8_000_000  # of one page: a document of 1 MB takes 10,000 and 300,000
ID_PREFIX = "user-content-"  # of headings, so that none takes an id of the page's own

ABSOLUTE = re.compile(r"(?:https?://|mailto:)[!-\[\]-~]+", re.IGNORECASE)
RELATIVE = re.compile(r"(?!//)(?![^/?#]*:)[!-\[\]-~]*")
# None of this site's: browsers would ask for it in the reader's name, which an unbounded user's visits are told in.
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*")
LANGUAGE = re.compile(r"language-[A-Za-z0-9+#.-]{1,40}")
IN_HEADING_ID = re.compile(r"[\w-]+")

TAGS = {
    *("h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "code", "pre", "blockquote", "hr", "br"),
    *("table", "thead", "tbody", "tr", "th", "td", "a", "em", "strong", "del", "s", "img", "div"),
}
ATTRIBUTES = {
    "*": set(),
    "a": {"href", "title", "rel"},
    "img": {"src", "alt", "title"},
    "code": {"class"},
    "ol": {"start"},
    **{f"h{level}": {"id"} for level in range(2, 7)},
}
VALUES = {
    "th": {"align": {"left", "center", "right"}},
    "td": {"align": {"left", "center", "right"}},
    "pre": {"tabindex": {"0"}},
    "div": {"class": {"table-scroll"}, "tabindex": {"0"}},
}
OUTSIDE_REL = "noopener noreferrer nofollow"


def fault(text: str) -> str:
    """Return why the text cannot be laid out, as a sentence; nothing when it can."""
    if len(text) > MOST_CHARACTERS:
        return f"The text has {len(text):,} characters; at most {MOST_CHARACTERS:,} are taken."
    try:
        _parsed(text, {})
    except TooMuch as error:
        return str(error)
    return ""


def html(text: str) -> SafeString:
    """Return the markup; a text with a `fault` is shown as it was written."""
    return _laid_out(text) if len(text) <= MOST_CHARACTERS else _as_written(text)


class Together:
    """Lays out the many texts of one page; those after which it would be too much are shown as they were written."""

    def __init__(self) -> None:
        self.steps, self.markup = MOST_STEPS_OF_ALL, MOST_MARKUP_OF_ALL

    def html(self, text: str) -> SafeString:
        if len(text) > MOST_CHARACTERS or min(self.steps, self.markup) <= 0:
            return _as_written(text)
        env: EnvType = {}
        made = _made(text, env)
        self.steps -= env.get("steps", 0)
        self.markup -= len(made)
        return made


class TooMuch(ValueError):
    """Why a text is not laid out, as a sentence."""


class Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        """What is refused stays text. `url` is normalised: entities are resolved, white space is encoded."""
        return is_link(url) or bool(PICTURE.fullmatch(url))


class Renderer(RendererHTML):
    """Lets what is wider than the page be scrolled, by keyboard too."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return super().fence(tokens, idx, options, env).replace("<pre>", '<pre tabindex="0">', 1)

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return super().code_block(tokens, idx, options, env).replace("<pre>", '<pre tabindex="0">', 1)

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="table-scroll" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"


def is_link(url: str) -> bool:
    return bool(ABSOLUTE.fullmatch(url) or RELATIVE.fullmatch(url))


def _kept_attribute(tag: str, name: str, value: str) -> str | None:
    match name:
        case "href":
            return value if is_link(value) else None
        case "src":
            return value if PICTURE.fullmatch(value) else None
        case "class" if tag == "code":
            return value if LANGUAGE.fullmatch(value) else None
        case "id":
            return value if value.startswith(ID_PREFIX) else None
        case "rel":
            return OUTSIDE_REL
        case _:
            return value


def _count(env: EnvType) -> bool:
    """A rule that never matches, and is asked before all others."""
    env["steps"] = env.get("steps", 0) + 1
    if env["steps"] > MOST_STEPS:
        raise TooMuch("The text is nested in a way that takes too long to lay out.")
    return False


def _count_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return _count(state.env)


def _count_inline(state: StateInline, silent: bool) -> bool:
    return _count(state.env)


PARSER = Parser("commonmark", {"html": False, "linkify": False}, renderer_cls=Renderer)
PARSER.enable(["table", "strikethrough"])
PARSER.block.ruler.before("table", "counted", _count_block, {"alt": ["paragraph", "reference", "blockquote", "list"]})
PARSER.inline.ruler.before("text", "counted", _count_inline)
CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    tag_attribute_values=VALUES,
    attribute_filter=_kept_attribute,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel=None,
)


@lru_cache(maxsize=64)
def _laid_out(text: str) -> SafeString:
    """Cached, since a hostile text may take a second, and its page is looked at again and again."""
    return _made(text, {})


def _made(text: str, env: EnvType) -> SafeString:
    """`env` counts the parser's steps."""
    try:
        tokens = _parsed(text, env)
    except TooMuch:
        return _as_written(text)
    _shift_headings(tokens)
    _name_headings(tokens)
    for token in _all(tokens):
        _adapt(token)
    return mark_safe(CLEANER.clean(PARSER.renderer.render(tokens, PARSER.options, {})))  # noqa: S308


def _parsed(text: str, env: EnvType) -> list[Token]:
    tokens = PARSER.parse(text, env)
    if _size(tokens) > MOST_MARKUP:
        raise TooMuch(
            "The text repeats so much, such as a long address in many links, that its page would be too large."
        )
    return tokens


def _as_written(text: str) -> SafeString:
    return format_html('<pre tabindex="0">{}</pre>', text)


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _size(tokens: Sequence[Token]) -> int:
    """Return about how many characters of markup the tokens make."""
    attributes = (str(value) for token in _all(tokens) for value in token.attrs.values())
    return sum(20 + len(token.content) for token in _all(tokens)) + sum(map(len, attributes))


def _shift_headings(tokens: Sequence[Token]) -> None:
    """The page has its h1 already: the highest become h2, whatever they are in the text."""
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    highest = min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(int(token.tag[1]) - highest + 2, 6)}"


def _name_headings(tokens: Sequence[Token]) -> None:
    taken: dict[str, int] = {}
    for opening, inline in zip(tokens, islice(tokens, 1, None), strict=False):
        if opening.type == "heading_open":
            opening.attrSet("id", ID_PREFIX + _untaken(_slug(_text(inline)), taken))


def _slug(text: str) -> str:
    return "-".join(IN_HEADING_ID.findall(text.lower()))[:80] or "section"


def _untaken(name: str, taken: dict[str, int]) -> str:
    """`taken` says of each name with which number to go on, so that many headings alike stay quick."""
    unique = name
    while unique in taken:
        taken[name] += 1
        unique = f"{name}-{taken[name]}"
    taken[unique] = 0
    return unique


def _adapt(token: Token) -> None:
    match token.type:
        case "th_open" | "td_open":
            _align(token)
        case "link_open":
            _point(token)
        case "image" if not PICTURE.fullmatch(str(token.attrs["src"])):
            token.type, token.tag, token.content, token.children = "text", "", _text(token), None


def _align(cell: Token) -> None:
    """By an attribute: the content security policy allows no style."""
    style = str(cell.attrs.pop("style", ""))
    if style:
        cell.attrs["align"] = style.removeprefix("text-align:")


def _point(link: Token) -> None:
    target = str(link.attrs["href"])
    if target.startswith("#") and not target.startswith("#" + ID_PREFIX):
        link.attrs["href"] = f"#{ID_PREFIX}{target[1:]}"
    elif ABSOLUTE.fullmatch(target):
        link.attrs["rel"] = OUTSIDE_REL


def _text(token: Token) -> str:
    """Return what an inline token says, without markup."""
    parts = (_text(child) if child.children else _words(child) for child in token.children or ())
    return "".join(parts) if token.children else token.content


def _words(token: Token) -> str:
    return " " if token.type in ("softbreak", "hardbreak") else token.content
