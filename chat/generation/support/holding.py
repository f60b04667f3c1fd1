"""Sentences held back while a model writes, until each was checked; what fails is never shown.

What is shown stays whole: a bullet goes with its item, a heading or a table's head waits for the
first thing under it, and footnotes are numbered in the order in which they come to be shown.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chat.generation.citations import CitationParser, Found, Mark, Words
from chat.generation.sentences import claims_nothing, marks_in
from chat.generation.spans import sentence_spans, units
from knowledge.passages import Passage

# A sentence, and its passages by the numbers of its marks, into what may be shown of it: itself,
# the same said anew with marks of the same numbers, or nothing.
Gate = Callable[[str, Mapping[int, Passage]], Awaitable[str | None]]

_WORD = re.compile(r"\w")
_SPEAKS_ON = (":", "?", "：", "？")


@dataclass(frozen=True)
class Part:
    """A sentence with what stands before it: blanks, a bullet, a table's head.

    ``is_lead`` is a heading or a line that leads in: it is shown with what it leads to.
    """

    found: tuple[Found, ...]
    gap: int  # code points before the sentence
    words: str
    is_claim: bool
    is_lead: bool

    @property
    def numbers(self) -> dict[int, int]:
        """The marks as they stand in ``words``, and their sources in the prompt."""
        return {piece.number: piece.source for piece in self.found if isinstance(piece, Mark)}


@dataclass
class Holder:
    """Takes what the parser finds, gives what may be shown."""

    passages: Sequence[Passage]
    gate: Gate
    left_out: int = 0
    reworded: int = 0
    _held: list[Found] = field(default_factory=list)
    _leads: list[Part] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)
    _gap: str = ""  # of a sentence that was left out, where the next one needs it
    _has_dropped: bool = False  # since the last thing that was shown
    _has_shown: bool = False

    async def feed(self, found: Sequence[Found]) -> list[Found]:
        """What of it can be shown now."""
        self._held.extend(found)
        if not any("\n" in p.text or _ends(p.text) for p in found) and len(self._held) < 400:
            return []
        return await self._decide(self._cut(is_last=False))

    async def close(self) -> list[Found]:
        shown = await self._decide(self._cut(is_last=True))
        if self._leads and not self._has_dropped:
            shown += self._show_all(self._leads)
        self._leads = []
        return shown

    def _cut(self, *, is_last: bool) -> list[Part]:
        """Whole parts from what is held; the last one stays while it may still grow."""
        text = "".join(piece.text for piece in self._held)
        spans = list(_spans(text))
        whole = spans if is_last else spans[:-1]
        parts, at = [], 0
        for start, end, kind in whole:
            found, self._held = _split(self._held, end - at)
            words = text[start:end]
            parts.append(_part(found, start - at, words, kind))
            at = end
        if is_last and self._held and "".join(p.text for p in self._held).strip():
            parts.append(Part(tuple(self._held), 0, "", is_claim=False, is_lead=False))
            self._held = []
        return parts

    async def _decide(self, parts: Sequence[Part]) -> list[Found]:
        shown: list[Found] = []
        for part in parts:
            if part.is_lead:
                if self._has_dropped:
                    self._leads = []
                self._leads.append(part)
                self._has_dropped = False
                continue
            kept = await self._passed(part) if part.is_claim else part
            if kept is None:
                self._drop(part)
            else:
                shown += self._show_all([*self._leads, kept])
                self._leads = []
        return shown

    async def _passed(self, part: Part) -> Part | None:
        """What the gate lets through of a claim."""
        cited = {shown: self.passages[source - 1] for shown, source in part.numbers.items()}
        words = await self.gate(part.words, cited)
        if words is None or words == part.words:
            return part if words is not None else None
        self.reworded += 1
        return _reworded(part, words)

    def _drop(self, part: Part) -> None:
        self.left_out += 1
        self._has_dropped = True
        before = "".join(piece.text for piece in part.found)[: part.gap]
        if "\n" in before or not self._has_shown:
            self._gap = before

    def _show_all(self, parts: Sequence[Part]) -> list[Found]:
        shown: list[Found] = []
        for part in parts:
            gap, rest = _split(list(part.found), part.gap)
            before = "".join(piece.text for piece in gap)
            if self._gap and "\n" not in before:
                before = self._gap
            self._gap = ""
            shown.append(Words(before if self._has_shown else before.lstrip()))
            shown += [self._renumbered(piece) for piece in rest]
            self._has_shown, self._has_dropped = True, False
        return [piece for piece in shown if piece.text]

    def _renumbered(self, piece: Found) -> Found:
        if not isinstance(piece, Mark):
            return piece
        is_new = piece.source not in self._numbers
        number = self._numbers.setdefault(piece.source, len(self._numbers) + 1)
        return Mark(number, piece.source, is_new)


def _reworded(part: Part, words: str) -> Part:
    """A part with other words in the place of its sentence; what stands before it stays."""
    gap, _ = _split(list(part.found), part.gap)
    sources = part.numbers
    parser = CitationParser(max(sources, default=0))
    said: list[Found] = []
    for piece in [*parser.feed(words), *parser.close()]:
        if not isinstance(piece, Mark):
            said.append(piece)
        elif piece.source in sources:  # the parser numbers anew; what was written is its source
            said.append(Mark(piece.source, sources[piece.source], piece.is_new))
    return replace(part, found=(*gap, *said), words=words)


def _ends(text: str) -> bool:
    return any(sign in text for sign in ".!?…。！？|")


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of the sentences, items, rows, headings and code of a text."""
    for unit in units(text):
        if unit.kind in {"sentence", "heading", "code", "row"}:
            yield unit.start, unit.end, unit.kind
        else:
            for start, end in sentence_spans(text, unit.start, unit.end):
                yield start, end, "sentence"


def _part(found: Sequence[Found], gap: int, words: str, kind: str) -> Part:
    bare = words.rstrip("*_ ")
    is_lead = kind == "heading" or (bare.endswith(_SPEAKS_ON[::2]) and not marks_in(words))
    says = kind in {"sentence", "row"} and bool(_WORD.search(words))
    talks = not marks_in(words) and (claims_nothing(words) or bare.endswith(_SPEAKS_ON))
    return Part(
        tuple(found), gap, words, is_claim=says and not is_lead and not talks, is_lead=is_lead
    )


def _split(found: Sequence[Found], length: int) -> tuple[list[Found], list[Found]]:
    """The pieces up to so many code points, and the others; words are cut, marks are not."""
    first: list[Found] = []
    for at, piece in enumerate(found):
        if length <= 0:
            return first, list(found[at:])
        if len(piece.text) <= length or isinstance(piece, Mark):
            first.append(piece)
            length -= len(piece.text)
            continue
        first.append(Words(piece.text[:length]))
        return first, [Words(piece.text[length:]), *found[at + 1 :]]
    return first, []
