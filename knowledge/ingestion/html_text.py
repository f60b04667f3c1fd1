"""A page's readable part as Markdown. References are never fetched; pictures are dropped."""

import re

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

from knowledge.ingestion.boilerplate import drop_boilerplate
from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import normalise
from knowledge.ingestion.html_tables import unfold_tables
from knowledge.ingestion.types import UnreadableFile

TOO_DEEP = "The page is nested too deeply to be read."
_NEVER_READ_TEXT = """
script style noscript template iframe object embed svg canvas math video audio img picture nav
footer aside form button select textarea input dialog head
"""
_NEVER_READ = frozenset(_NEVER_READ_TEXT.split())
_HIDING_STYLE = re.compile(r"display\s{0,4}:\s{0,4}none|visibility\s{0,4}:\s{0,4}hidden", re.I)
_IN_LAYOUT = ["table", "h1", "h2", "h3", "main", "article"]
_WHOLE_ENOUGH = 0.3  # a <main> with less of the page's words is an empty shell filled by scripts
_BLANK_LINES = re.compile(r"\n{3,}")


class _Converter(MarkdownConverter):
    """Markdown with ``#`` headings, tables with a header row, links as their words alone."""

    class Options:
        heading_style = "ATX"
        bullets = "-"
        table_infer_header = True
        escape_asterisks = False
        escape_underscores = False
        escape_misc = False

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """A link's words: a source page must not lead out, and addresses are noise to a search."""
        return text


def to_markdown(page: str) -> str:
    """The main text of an HTML page as clean Markdown; raises UnreadableFile."""
    try:
        soup = BeautifulSoup(page, "lxml")
        _drop_unread(soup)
        _unwrap_layout(soup)
        drop_boilerplate(soup)
        unfold_tables(soup)
        _escape_bars(soup)
        converted = _Converter().convert_soup(_root(soup))
    except (RecursionError, AssertionError, ValueError) as error:  # parsers' own words for "no"
        raise UnreadableFile(TOO_DEEP) from error
    return _BLANK_LINES.sub("\n\n", clean(normalise(converted)))


def _drop_unread(soup: BeautifulSoup) -> None:
    for tag in soup.find_all(_is_unread):
        if not tag.decomposed:  # it may have gone with the one around it
            tag.decompose()
    for header in soup.find_all("header"):
        # A page's banner goes; a header that carries the title, or belongs to an article, stays.
        if not header.find("h1") and not header.find_parent(["main", "article"]):
            header.decompose()


def _unwrap_layout(soup: BeautifulSoup) -> None:
    """A table that holds headings or tables lays a page out; its cells are parts of the page."""
    for table in soup.find_all("table"):
        if table.get("role") == "presentation" or table.find(_IN_LAYOUT) is not None:
            for part in [*_own_parts(table), table]:
                part.name = "div"


def _own_parts(table: Tag) -> list[Tag]:
    parts = table.find_all(["tbody", "thead", "tfoot", "tr", "td", "th", "caption"])
    return [part for part in parts if part.find_parent("table") is table]


def _escape_bars(soup: BeautifulSoup) -> None:
    """A cell's own bars must not part it."""
    for string in soup.find_all(string=lambda text: text is not None and "|" in text):
        if string.find_parent(["td", "th"]):
            string.replace_with(str(string).replace("|", "\\|"))


def _is_unread(tag: Tag) -> bool:
    if tag.name in _NEVER_READ or tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return True
    return bool(_HIDING_STYLE.search(str(tag.get("style", ""))))


def _root(soup: BeautifulSoup) -> Tag:
    """The page's own main part where it has most of the words, else the body."""
    body = soup.body or soup
    whole = len(body.get_text(" ", strip=True))
    articles = soup.find_all("article")
    candidates = [soup.find("main"), soup.find(role="main"), *articles[: len(articles) == 1]]
    for part in candidates:
        if isinstance(part, Tag) and len(part.get_text(" ", strip=True)) >= _WHOLE_ENOUGH * whole:
            return part
    return body
