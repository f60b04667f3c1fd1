"""Headers, footers and page numbers that pages repeat: taken out, all but the first of each.

A line counts as furniture only where it stands at the same height near the edge of many pages. It
may differ by a number that counts with the pages, unless it is larger than the text: "Chapter 3" on
top of page 3 is a heading. The first stays, so that nothing a document says is lost; page numbers
go.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.ingestion.pdf.headings import text_size
from knowledge.ingestion.pdf.words import Box, TextLine

_FEWEST_PAGES = 3
_SHARE = 0.4  # of the pages: left and right pages often differ
_EDGE = 0.12  # of the page's height
_LONGEST = 150  # characters; a paragraph is not a header
_NEAR = 6.0  # points within which two lines stand at one height
_LARGER = 1.05  # times the text's size: a title that happens to stand on top of its page
_NUMBER = re.compile(r"\d{1,5}")
_MOST_NUMBERS = 4
_PAGE_NUMBER = re.compile(
    r"\W{0,3}(?:(?:page|p|pg|seite|s|página|pagina|pág|pag|sida|side|strona|str|стр|страница|第)"
    r"\W{0,3})?(?:\d{1,5}|[ivxlc]{1,7})(?:\W{0,3}(?:of|von|de|di|sur|av|z|из)?\W{0,3}\d{1,5})?"
    r"\W{0,3}(?:页|頁|ページ)?",
    re.I,
)

Key = tuple[str, int]


@dataclass(frozen=True)
class Kept:
    """A page's own lines, or all of them where they all stand on other pages too: ``is_bare``."""

    lines: list[TextLine]
    is_bare: bool
    repeated: frozenset[int]  # ``id`` of those that stay and are no page's own


def without_furniture(pages: Sequence[list[TextLine]], boxes: Sequence[Box]) -> list[Kept]:
    """The pages without what they repeat at their edges. ``boxes`` are the pages' own."""
    largest = _LARGER * text_size(line for page in pages for line in page)
    keys = [
        [frozenset(_keys(line, (number, box), largest)) for line in lines]
        for number, (lines, box) in enumerate(zip(pages, boxes, strict=True))
    ]
    counted = Counter(key for page in keys for key in frozenset().union(*page))
    enough = max(_FEWEST_PAGES, _SHARE * len(pages))
    repeated = {key for key, count in counted.items() if count >= enough}
    seen: set[Key] = set()
    kept: list[Kept] = []
    for lines, page in zip(pages, keys, strict=True):
        left: list[TextLine] = []
        firsts: set[int] = set()
        for line, found in zip(lines, page, strict=True):
            again = found & repeated
            is_first = not again & seen and not _PAGE_NUMBER.fullmatch(line.text)
            if not again or is_first:
                left.append(line)
            if again:
                firsts.add(id(line))
            seen |= again
        # No page is left without its text.
        is_bare = all(found & repeated for found in page)
        kept.append(Kept(lines if is_bare else left, is_bare, frozenset(firsts)))
    return kept


def _keys(line: TextLine, place: tuple[int, Box], largest: float) -> Iterator[Key]:
    """What tells a repeated line: its words and its height on the page; none away from the edges.

    A number may count with the pages: then its distance to the page's own stands for it.
    """
    number, page = place
    text = line.text
    if line.is_table or len(text) > _LONGEST or not page.height:
        return
    _, y = line.box.middle
    if min(y - page.bottom, page.top - y) / page.height > _EDGE:
        return
    height = round((y - page.bottom) / _NEAR)
    if _PAGE_NUMBER.fullmatch(text):
        yield "#", height
    yield text, height
    if line.size > largest:
        return
    for found in list(_NUMBER.finditer(text))[:_MOST_NUMBERS]:
        distance = int(found.group()) - number
        yield f"{text[: found.start()]}#{distance}#{text[found.end() :]}", height
