"""A text into chunks along its structure, within the embedding model's window.

Sentences, rows and lines of code are counted once and packed section by section. A chunk never
runs on past a heading, prefers to end with a paragraph, and is embedded with its title, its
heading path and, within a table, the table's head.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from knowledge.ingestion.packing import pack
from knowledge.ingestion.sentences import segments, sentence_spans
from knowledge.ingestion.types import Extracted, Heading
from knowledge.ingestion.units import Unit, UnitMaker, embedded_form

__all__ = ["Piece", "SplitterConfig", "sentence_spans", "split"]

VERSION = 2
LEVELS = " › "
_HEADING_MAX = 500  # characters of a path, as the row that keeps it takes
_PREFIX_SHARE = 3  # title and path take at most a third of the model's window


@dataclass(frozen=True)
class SplitterConfig:
    """Sizes in tokens of the embedding model: what a chunk aims at, repeats, and may never pass.

    ``counted_by`` stands for the model whose tokens are counted: equal sizes in the tokens of
    another one make other pieces.
    """

    chunk_tokens: int = 220
    overlap_tokens: int = 30
    max_tokens: int = 256
    counted_by: str = ""  # at most 12 characters

    @property
    def identity(self) -> str:
        """What tells one splitting from another, in at most 40 characters.

        It begins with the version of the algorithm: raise it when pieces come out differently.
        """
        sizes = f"{VERSION}:{self.chunk_tokens}:{self.overlap_tokens}:{self.max_tokens}"
        return f"{sizes}:{self.counted_by}" if self.counted_by else sizes


@dataclass(frozen=True)
class Piece:
    """A chunk to be: ``text == extracted.text[start:end]``.

    ``heading`` is the path with " › " between levels; ``page`` counts from 1, None without pages;
    ``tokens`` counts ``embedded_text``; ``content_hash`` is its SHA-256 in hex.
    """

    ordinal: int
    heading: str
    page: int | None
    start: int
    end: int
    text: str
    tokens: int
    embedded_text: str
    content_hash: str


@dataclass(frozen=True)
class _Section:
    """Units under one heading, with what is embedded before them and what room that leaves."""

    path: str
    prefix: str
    budget: int
    units: list[Unit]


def split(
    extracted: Extracted,
    title: str,
    config: SplitterConfig,
    count_tokens: Callable[[str], int],
) -> list[Piece]:
    """Pieces in reading order that cover all text that is not blank.

    No piece has more than ``config.max_tokens`` tokens. ``count_tokens`` counts the model's special
    tokens too.
    """
    return _Splitting(extracted, title, config, count_tokens).pieces()


class _Splitting:
    """One text being split; what is said in `split` holds."""

    def __init__(
        self,
        extracted: Extracted,
        title: str,
        config: SplitterConfig,
        count_tokens: Callable[[str], int],
    ) -> None:
        self._extracted = extracted
        self._title = " ".join(title.split())
        self._config = config
        self._count_tokens = count_tokens
        self._maker = UnitMaker(extracted.text, count_tokens)
        self._pieces: list[Piece] = []

    def pieces(self) -> list[Piece]:
        for section in self._sections():
            fitted = [
                part for unit in section.units for part in self._maker.fitted(unit, section.budget)
            ]
            for is_alone, run in groupby(fitted, key=lambda unit: unit.is_alone):
                for group in self._groups(list(run), section.budget, is_alone=is_alone):
                    self._emit(group, section)
        return self._pieces

    def _groups(self, units: list[Unit], budget: int, *, is_alone: bool) -> list[list[Unit]]:
        if is_alone:
            return [[unit] for unit in units]
        return pack(units, budget, self._config.overlap_tokens)

    def _sections(self) -> Iterator[_Section]:
        """Units by heading and page; a heading without a text of its own joins what follows it.

        Each page begins anew, so that a change on one leaves the chunks of all others as they are.
        """
        outline = self._extracted.outline
        pages = self._extracted.pages
        starts = [heading.start for heading in outline]
        units = self._maker.units(
            segments(self._extracted.text, frozenset(starts)), frozenset(starts)
        )
        paths = _paths(outline)
        waiting: list[Unit] = []
        path: tuple[str, ...] = ()

        def place(unit: Unit) -> tuple[int, int]:
            return bisect_right(starts, unit.start) - 1, bisect_right(pages, unit.start)

        for (number, _), group in groupby(units, key=place):
            under_it = list(group)
            waiting.extend(under_it)
            path = paths[number] if number >= 0 else ()
            if not all(unit.is_heading for unit in under_it):
                yield self._section(path, waiting)
                waiting = []
        if waiting:
            yield self._section(path, waiting)

    def _section(self, path: tuple[str, ...], units: list[Unit]) -> _Section:
        prefix = self._prefix(path)
        window = min(self._config.chunk_tokens, self._config.max_tokens)
        budget = window - self._maker.special_tokens - self._maker.count(prefix)
        return _Section(LEVELS.join(path)[:_HEADING_MAX], prefix, max(budget, 8), units)

    def _prefix(self, path: tuple[str, ...]) -> str:
        """Title and path; where they are long, the outer levels go first, then the title's end."""
        most = min(self._config.chunk_tokens, self._config.max_tokens) // _PREFIX_SHARE
        inner = [part for part in path if part.casefold() != self._title.casefold()]
        while inner and self._maker.count(_joined(self._title, inner)) > most:
            inner.pop(0)
        title = self._title
        while title and self._maker.count(_joined(title, inner)) > most:
            title = title[: len(title) // 2].rstrip()
        return _joined(title, inner)

    def _emit(self, group: list[Unit], section: _Section) -> None:
        """Add a piece; in the rare case that it passes the model's window, two smaller ones."""
        embedded = self._embedded(group, section)
        tokens = self._count_tokens(embedded)
        if tokens > self._config.max_tokens:
            middle = len(group) // 2
            halves = [group[:middle], group[middle:]] if middle else self._halves(group[0])
            if len(halves) > 1:
                for half in halves:
                    self._emit(half, section)
                return
        start, end = group[0].start, group[-1].end
        self._pieces.append(
            Piece(
                ordinal=len(self._pieces),
                heading=section.path,
                page=self._page(group),
                start=start,
                end=end,
                text=self._extracted.text[start:end],
                tokens=tokens,
                embedded_text=embedded,
                content_hash=hashlib.sha256(embedded.encode()).hexdigest(),
            )
        )

    def _halves(self, unit: Unit) -> list[list[Unit]]:
        return [[half] for half in self._maker.halves(unit)]

    def _embedded(self, group: list[Unit], section: _Section) -> str:
        """The prefix has the headings, so the body begins behind them."""
        body = next((unit for unit in group if not unit.is_heading), None)
        if body is None:
            return section.prefix or self._extracted.text[group[0].start : group[-1].end]
        text = embedded_form(self._extracted.text[body.start : group[-1].end])
        return "\n\n".join(part for part in (section.prefix, _below(body.head, text)) if part)

    def _page(self, group: list[Unit]) -> int | None:
        if not self._extracted.pages:
            return None
        return max(bisect_right(self._extracted.pages, group[0].start), 1)


def _below(head: str, text: str) -> str:
    return f"{head}\n{text}" if head else text


def _joined(title: str, path: list[str]) -> str:
    return "\n".join(part for part in (title, LEVELS.join(path)) if part)


def _paths(outline: tuple[Heading, ...]) -> list[tuple[str, ...]]:
    """The titles from the outermost heading down to each heading."""
    paths: list[tuple[str, ...]] = []
    above: list[Heading] = []
    for heading in outline:
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        paths.append(tuple(part.title for part in above))
    return paths
