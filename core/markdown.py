"""The one renderer of Markdown that we did not write: a model's answers and people's documents.

Both are hostile until shown otherwise. Raw HTML, images, reference links (a line ``[1]: https://…``
would turn footnote marks into links of its own) and bare addresses are off, and what was rendered
is sanitised after rendering with a closed list of tags. Our own elements are woven in last, from
rows, by ``core.spans``.
"""

import re
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_OFF = ["image", "reference", "autolink", "html_inline", "html_block"]


def _parser(*also_off: str) -> MarkdownIt:
    options = {"linkify": False, "typographer": False}
    return MarkdownIt("js-default", options).disable([*_OFF, *also_off])


_PARSER, _WITHOUT_LINKS = _parser(), _parser("link")
_BRACKETS = 2000  # looking for the end of each is quadratic: 60,000 of them took 3 s
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol",
    "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
# "*" replaces nh3's own list, which lets a title through.
_ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}, "th": {"scope"}}
_SCHEMES = {"http", "https", "mailto"}


def render(text: str, *, first_heading: int = 3, hosts: frozenset[str] | None = None) -> str:
    """Markdown as sanitised HTML, without images and without anything that loads by itself.

    Args:
        text: Markdown.
        first_heading: the level that a ``#`` becomes; deeper ones follow. Never above 2 or below 6.
        hosts: to which links may lead, one that begins with a dot with all names below it; None
            is any.
    """
    parser = _WITHOUT_LINKS if text.count("[") > _BRACKETS else _PARSER
    tokens = parser.parse(text)
    _lower_headings(tokens, first_heading - 1)
    rendered = parser.renderer.render(tokens, parser.options, {})
    return nh3.clean(
        rendered,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        attribute_filter=partial(_only_allowed, hosts),
        link_rel="nofollow noopener noreferrer",
    )


def _only_allowed(hosts: frozenset[str] | None, tag: str, attribute: str, value: str) -> str | None:
    """A relative link leads nowhere outside the folder that its text came from."""
    if attribute != "href":
        return value
    if ":" not in value or not (hosts is None or _leads_to(value, hosts)):
        return None
    return value


def _leads_to(address: str, hosts: frozenset[str]) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    host = (parts.hostname or "").rstrip(".")
    is_named = any(host == one or (one[:1] == "." and host.endswith(one)) for one in hosts)
    return bool(host) and parts.scheme in {"http", "https"} and "@" not in parts.netloc and is_named


def _lower_headings(tokens: Sequence[Token], by: int) -> None:
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, max(2, int(token.tag[1]) + by))}"
        elif token.type == "th_open":
            token.attrSet("scope", "col")


_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_LINE_MARKUP = re.compile(r"(?m)^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+)")
_RULE_LINE = re.compile(r"(?m)^[ \t|:=-]{3,}$")
_EMPHASIS = re.compile(r"(\*{1,3}|_{2,3}|~~|`{1,3})(?=\S)|(?<=\S)(\*{1,3}|_{2,3}|~~|`{1,3})")
_CELL = re.compile(r"[ \t]*\|[ \t]*")
_SPACE = re.compile(r"\s+")


def plain(text: str) -> str:
    """Markdown as one line of words, for a quotation: no markup, cells parted by a middle dot."""
    text = _LINK.sub(r"\1", text)
    text = _RULE_LINE.sub("", text)
    text = _LINE_MARKUP.sub("", text)
    text = _EMPHASIS.sub("", text)
    if "|" in text:
        cells = (part.strip() for part in _CELL.split(text))
        text = " · ".join(filter(None, cells))
    return _SPACE.sub(" ", text).strip()
