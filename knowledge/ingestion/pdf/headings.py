"""Headings of a PDF without bookmarks: short lines printed larger, or bold, than the text.

The size that most letters have is the text's. Sizes above it are levels, the largest first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from knowledge.ingestion.pdf.words import TextLine

_LARGER = 1.12  # times the text's size; 11 to 12 points differ by 1.09 and are often one text
_LEVELS = 4
_LONGEST = 160  # characters
_BOLD_LONGEST = 90
_MOST_SHARE = 0.25  # of the lines: with more, size means something else here
_ENDS = ".,;:!?…"


def heading_levels(pages: Sequence[Iterable[TextLine]]) -> dict[int, int]:
    """The level of each heading by ``id(line)``; empty where sizes tell nothing."""
    lines = [line for page in pages for line in page if not line.is_table]
    usual = text_size(lines)
    if not usual:
        return {}
    large = [line for line in lines if _is_large(line, usual)]
    bold = [line for line in lines if _is_bold_heading(line, usual)]
    if len(large) + len(bold) > _MOST_SHARE * len(lines):
        bold = []
    if len(large) > _MOST_SHARE * len(lines):
        return {}
    sizes = _levels(line.size for line in large)
    found = {id(line): sizes[_rounded(line.size)] for line in large}
    below = min(max(sizes.values(), default=0) + 1, _LEVELS + 1)
    return {**{id(line): below for line in bold}, **found}


def text_size(lines: Iterable[TextLine]) -> float:
    """The letters' height that most of the text has; 0 without text."""
    counted: Counter[float] = Counter()
    for line in lines:
        counted[_rounded(line.size)] += len(line.text)
    return counted.most_common(1)[0][0] if counted else 0.0


def _is_large(line: TextLine, usual: float) -> bool:
    text = line.text
    return (
        line.size >= _LARGER * usual
        and line.begins_size >= _LARGER * usual
        and len(text) <= _LONGEST
        and any(character.isalpha() for character in text)
    )


def _is_bold_heading(line: TextLine, usual: float) -> bool:
    text = line.text
    return (
        line.size >= 0.97 * usual
        and not _is_large(line, usual)
        and line.is_bold
        and len(text) <= _BOLD_LONGEST
        and (text[0].isupper() or text[0].isdigit())
        and any(character.isalpha() for character in text)
        and text[-1] not in _ENDS
    )


def _levels(sizes: Iterable[float]) -> dict[float, int]:
    """Each size's level; beyond the fourth all are of one."""
    distinct = sorted({_rounded(size) for size in sizes}, reverse=True)
    levels: dict[float, int] = {}
    level = 0
    before = 0.0
    for size in distinct:
        if before == 0.0 or size < before * 0.96:  # nearly alike is one level
            level = min(level + 1, _LEVELS)
            before = size
        levels[size] = level
    return levels


def _rounded(size: float) -> float:
    return round(size * 2) / 2
