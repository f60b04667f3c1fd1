"""Texts of a page or a Word document that its own styles hide from whoever looks at it."""

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from bs4 import BeautifulSoup, Tag
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

# A page of nested elements must not take longer to look through than to read.
MOST_TAGS, MOST_PARENTS, MOST_TEXTS = 20_000, 40, 20
_WHITE = (
    r"(?:white|#fff(?:fff)?|rgba?\(\s?255\s?,\s?255\s?,\s?255(?:\s?,\s?[\d.]+)?\s?\)|transparent)"
)
_WHITE_TEXT = re.compile(rf"(?:^|;)\s*color\s*:\s*{_WHITE}", re.IGNORECASE)
_UNSEEN_STYLE = re.compile(
    r"(?:^|;)\s*(?:font-size\s*:\s*(?:0|0?\.\d+|1)(?:px|pt|em|rem)?\s*(?:;|!|$)"
    r"|opacity\s*:\s*0?(?:\.0+)?\s*(?:;|!|$)"
    r"|(?:text-indent|left|top|margin-left)\s*:\s*-\d{3,}|clip\s*:\s*rect\(0)",
    re.IGNORECASE,
)
_BACKGROUND = re.compile(r"background(?:-color)?\s*:\s*([^;]+)", re.IGNORECASE)
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def in_page(page: str) -> Iterator[str]:
    """Texts of elements whose own style hides them."""
    try:
        soup = BeautifulSoup(page, "lxml")
    except (RecursionError, AssertionError, ValueError):  # the loader says why
        return
    white = re.compile(rf"^{_WHITE}$", re.IGNORECASE)
    styled = (tag for tag in soup.find_all(style=True, limit=MOST_TAGS) if _is_pale(tag))
    coloured = soup.find_all("font", color=white, limit=MOST_TAGS)
    pale = chain(styled, (tag for tag in coloured if not _is_on_colour(tag)))
    for tag in islice(pale, MOST_TEXTS):
        yield tag.get_text(" ", strip=True)


def _is_pale(tag: Tag) -> bool:
    style = str(tag.get("style", ""))
    if _UNSEEN_STYLE.search(style):
        return True
    return bool(_WHITE_TEXT.search(style)) and not _is_on_colour(tag)


def _is_on_colour(tag: Tag) -> bool:
    """Whether the nearest background is something else than white."""
    for one in [tag, *islice(tag.parents, MOST_PARENTS)]:
        found = _BACKGROUND.search(str(one.get("style", "")) if isinstance(one, Tag) else "")
        colour = found.group(1).strip() if found else str(one.get("bgcolor") or "")
        if colour:
            return not re.fullmatch(_WHITE, colour, re.IGNORECASE)
        if one.get("class"):  # a style sheet may colour it: nobody knows
            return True
    return False


def in_word(source: str) -> Iterator[str]:
    """Texts of runs that Word hides, or sets in white on nothing."""
    try:
        root: Any = fromstring(source)
    except (ParseError, DefusedXmlException, ValueError, RecursionError):
        return
    yield from _runs(root, is_on_colour=False)


def _runs(root: Element, *, is_on_colour: bool) -> Iterator[str]:
    waiting = [(root, is_on_colour)]
    while waiting:
        element, coloured = waiting.pop()
        coloured = coloured or _has_colour(element)
        if element.tag == f"{_WORD}r" and _is_unseen_run(element, on_colour=coloured):
            yield "".join(part.text or "" for part in element.iter(f"{_WORD}t"))
        waiting += [(child, coloured) for child in reversed(element)]


def _has_colour(element: Element) -> bool:
    """Whether a cell, paragraph or run has a shade, or a table a style that may give it one."""
    name = element.tag.removeprefix(_WORD)
    if name not in {"tbl", "tc", "p", "r"}:
        return False
    own = element.find(f"{_WORD}{name}Pr")
    if own is None:
        return False
    if name == "tbl":
        return own.find(f"{_WORD}tblStyle") is not None
    shade = own.find(f"{_WORD}shd")
    fill = "" if shade is None else shade.get(f"{_WORD}fill", "").lower()
    return fill not in {"", "auto", "ffffff"} or own.find(f"{_WORD}highlight") is not None


def _is_unseen_run(run: Element, *, on_colour: bool) -> bool:
    own = run.find(f"{_WORD}rPr")
    if own is None:
        return False
    vanish = own.find(f"{_WORD}vanish")
    if vanish is not None and vanish.get(f"{_WORD}val", "true") not in {"0", "false", "off"}:
        return True
    colour, size = own.find(f"{_WORD}color"), own.find(f"{_WORD}sz")
    is_white = colour is not None and colour.get(f"{_WORD}val", "").lower() == "ffffff"
    half_points = "" if size is None else size.get(f"{_WORD}val", "")
    is_tiny = half_points in {"1", "2"}
    return is_tiny or (is_white and not on_colour)
