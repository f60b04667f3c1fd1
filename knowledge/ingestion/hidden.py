"""What a file hides from the people who look at it: invisible characters, text in white on white.

It is looked for in the file as it came, since cleaning takes most of it out. What is found is told
to the manager and changes nothing else. Not seen: styles of a page's style sheets, and colours in
PDF, slides and spreadsheets.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import cast

from knowledge.ingestion.archive import ZIP_SAYS_NO
from knowledge.ingestion.decoding import decode, html_charset
from knowledge.ingestion.sniffing import MediaType

MOST_BYTES = 64 * 1024 * 1024  # of one part of a file that is looked at
SHORTEST = 12  # code points of unseen text that count: a lone blank or bullet is a typist's
QUOTED = 80

_TAGS = re.compile("(?<!\U0001f3f4)(?<![\U000e0020-\U000e007f])[\U000e0020-\U000e007f]{2,}")
_RUNS = re.compile(
    "[\u200b-\u200d\u2060-\u2064\ufeff]{4,}|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}"
)
_IN_WORDS = re.compile("(?<=[A-Za-z])[\u200b-\u200d\u2060-\u2064\ufeff](?=[A-Za-z])")
_MOST_IN_WORDS = 5  # a page may break long words at that many places
_OVERRIDES = re.compile("[\u202d\u202e]")
_PARTS = {
    MediaType.DOCX: re.compile(r"word/(?:document|footnotes|endnotes|header\d*|footer\d*)\.xml"),
    MediaType.PPTX: re.compile(r"ppt/slides/slide\d+\.xml"),
    MediaType.XLSX: re.compile(r"xl/(?:sharedStrings|worksheets/sheet\d+)\.xml"),
}


def hidden_in(path: Path, media_type: str) -> tuple[str, ...]:
    """Sentences for the manager on what a readable file hides; empty where nothing was found."""
    kind = MediaType(media_type)
    found: list[str] = []
    for source in _sources(path, kind):
        found += _characters(source)
        found += _unseen(_pale(source, kind))
    return tuple(dict.fromkeys(found))


def _sources(path: Path, kind: MediaType) -> Iterator[str]:
    """The file's own text, part by part, as it came."""
    parts = _PARTS.get(kind)
    if parts is not None:
        try:
            with zipfile.ZipFile(path) as package:
                for name in filter(parts.fullmatch, package.namelist()):
                    with package.open(name) as part:
                        yield part.read(MOST_BYTES).decode("utf-8", "replace")
        except ZIP_SAYS_NO:  # the loader read what it needed, and says so where it could not
            return
    elif kind is not MediaType.PDF:
        data = path.read_bytes()[:MOST_BYTES]
        yield decode(data, html_charset(data) if kind is MediaType.HTML else "")


def _characters(source: str) -> Iterator[str]:
    if not source.isascii():
        tags = "".join(chr(ord(c) - 0xE0000) for found in _TAGS.findall(source) for c in found)
        if tags:
            yield f"Text is hidden in invisible characters: “{_short(tags)}”. It was left out."
        if _RUNS.search(source) or len(_IN_WORDS.findall(source)) >= _MOST_IN_WORDS:
            yield (
                "Invisible characters stand inside or between words, as if to hide something. "
                "They were left out."
            )
        if _OVERRIDES.search(source):
            yield (
                "Characters turn the direction of writing, so that the page shows another text "
                "than a search reads. They were left out."
            )


def _pale(source: str, kind: MediaType) -> Iterable[str]:
    """Texts in the colour of the paper; the parsers are imported where there is markup alone."""
    if kind not in {MediaType.HTML, MediaType.DOCX}:
        return ()
    markup = import_module("knowledge.ingestion.hidden_markup")
    look = markup.in_page if kind is MediaType.HTML else markup.in_word
    return cast("Iterable[str]", look(source))


def _unseen(texts: Iterable[str]) -> Iterator[str]:
    text = " ".join(" … ".join(texts).split())
    if len(text) >= SHORTEST:
        yield f"The file holds text that its readers cannot see: “{_short(text)}”."


def _short(text: str) -> str:
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown if len(shown) <= QUOTED else shown[: QUOTED - 1] + "…"
