"""A stored answer as the events that it was, from any offset of its text."""

import re
from collections.abc import Iterator
from typing import Any

PIECE = 240  # code points of a token event when a whole text is at hand


def pieces(body: dict[str, Any], after: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The text of an *answer* behind an offset, each citation just before its first mark."""
    text = body["message"]
    at = after
    for place, source in _first_marks(text, body["sources"]):
        if place < after:
            continue
        yield from _tokens(text, at, place)
        at = place
        yield "citation", {"number": source["number"], "source": source}
    yield from _tokens(text, at, len(text))


def _first_marks(text: str, sources: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Where each source is first cited; one whose mark is not there yet is left out."""
    found = []
    for source in sources:
        mark = re.search(rf"(?<!\\)\[{source['number']}\]", text)
        if mark:
            found.append((mark.start(), source))
    return sorted(found, key=lambda pair: pair[0])


def _tokens(text: str, start: int, end: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for at in range(start, end, PIECE):
        yield "token", {"text": text[at : min(at + PIECE, end)]}
