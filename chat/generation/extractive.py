"""The answer without a model: the best-supported sentences of the documents, quoted.

The same question, passages and embedder give the same quotes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.generation.citations import inert
from chat.generation.links import unlinked
from chat.generation.quotable import Candidate, Embed, candidates_in, score, shown
from chat.generation.sentences import Sentence
from chat.generation.spans import units
from chat.generation.terms import terms
from knowledge.passages import Passage

SENTENCES = 4  # that are quoted at most
FAIR = 0.5  # a further sentence's passage bears at least half as well on the question
CLOSE = 0.88  # a further sentence scores at least this share of the first one
READ_CLOSE = 0.5  # where it was read: it holds the answer rather than not
SAME = 0.8  # two sentences that share so many of their words say the same
SHORT_LIST = 500  # code points: a list up to this length is quoted whole
_NEEDS_CONTEXT = re.compile(
    r"(?:It|They|This|These|That|Those|He|She|Such|Its|Their|However|Therefore|Otherwise|Also|Then"
    r"|In this case|If so|If not)\b"
)


@dataclass(frozen=True)
class Quote:
    """A span of a version that is quoted: ``version_text[start:end]``.

    ``before`` is what must stand above it to be read (a table's head, a lead-in); ``text`` is the
    quote as shown; ``after`` closes it behind the mark. A block stands in a paragraph of its own.
    """

    passage: Passage
    start: int
    end: int
    text: str
    before: str = ""
    after: str = ""
    is_block: bool = False


def choose(question: str, passages: Sequence[Passage], embed: Embed | None) -> tuple[Quote, ...]:
    """One to four quotes that answer a question best, the best one first.

    Args:
        question: as it was asked.
        passages: ranked, best first. Where the reader has read some, only these are looked at,
            else the first five.
        embed: texts to unit vectors, (n, d), for passages that no reader has read; None where
            sentences must go by their words alone.

    Returns:
        Quotes; empty only where the passages hold no sentence at all.
    """
    candidates = candidates_in(passages)
    if not candidates:
        return ()
    scores = _named(
        question, candidates, [score(one) for one in shown(question, candidates, embed)]
    )
    return tuple(_quote(candidate) for candidate in _pick(candidates, scores))


def _named(
    question: str, candidates: Sequence[Candidate], scores: Sequence[float]
) -> Sequence[float]:
    """The scores where a question names the row of a table that it asks about.

    Rows of a table sound alike: "Atlas 13 | 1,200" is no answer for the Atlas 15 when that has a
    row too. The row with all words of the question that another one has, and more, stands in its
    place.
    """
    asked = set(terms(question))
    tables: dict[tuple[str, int], list[int]] = {}
    for at, candidate in enumerate(candidates):
        if candidate.unit.kind == "row":
            place = (candidate.passage.chunk_id, candidate.unit.paragraph)
            tables.setdefault(place, []).append(at)
    said = list(scores)
    for rows in tables.values():
        has = {at: asked.intersection(candidates[at].words) for at in rows}
        meant = [at for at in rows if not any(has[at] < has[other] for other in rows)]
        best = max(scores[at] for at in rows)
        first = max(meant, key=lambda at: (len(has[at]), scores[at]))
        for at in rows:
            said[at] = scores[at] if at in meant else 0.0
        said[first] = best
    return said


def _pick(candidates: Sequence[Candidate], scores: Sequence[float]) -> list[Candidate]:
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], candidates[i].position))
    picked: list[Candidate] = []
    for i in order:
        if len(picked) == SENTENCES or (picked and scores[i] < _least(picked[0], scores[order[0]])):
            break
        if picked and candidates[i].passage.score < FAIR * picked[0].passage.score:
            continue  # a sentence that sounds alike in a passage about something else
        if not any(_say_the_same(candidates[i], other) for other in picked):
            picked.append(candidates[i])
    return picked


def _least(first: Candidate, best: float) -> float:
    """What a further sentence must score."""
    return READ_CLOSE if first.passage.judged else CLOSE * best


def _say_the_same(one: Candidate, other: Candidate) -> bool:
    mine, theirs = set(one.words), set(other.words)
    if len(mine & theirs) >= SAME * min(len(mine), len(theirs)):
        return True
    is_same_list = one.unit.kind == other.unit.kind == "item"
    return (
        is_same_list
        and one.passage is other.passage
        and one.unit.paragraph == other.unit.paragraph
        and _short_list(one) is not None
    )


def _quote(candidate: Candidate) -> Quote:
    if candidate.unit.kind == "row":
        return _row(candidate)
    if candidate.unit.kind == "item":
        return _item(candidate)
    if candidate.unit.kind == "code":
        return _code(candidate)
    start, end = candidate.unit.start, candidate.unit.end
    if candidate.before is not None and _NEEDS_CONTEXT.match(candidate.text):
        start = candidate.before.start
    return _of(candidate.passage, (start, end))


def _code(candidate: Candidate) -> Quote:
    """A block of code, closed where the passage cuts it; the mark stands below."""
    text = candidate.text
    fence = text.lstrip()[:3]
    closing = "" if text.rstrip().endswith(fence) and text.count(fence) > 1 else f"\n{fence}"
    start = candidate.passage.start
    unit = candidate.unit
    shown = f"{text}{closing}\n"
    return Quote(candidate.passage, start + unit.start, start + unit.end, shown, is_block=True)


def _row(candidate: Candidate) -> Quote:
    """A table row under its table's head; the mark stands in the last cell."""
    passage, unit = candidate.passage, candidate.unit
    head = _shown(_head(candidate))
    row = _shown(candidate.text)
    cells = row.rstrip().removesuffix("|").rstrip()
    after = row[len(cells) :] or " |"
    start, end = passage.start + unit.start, passage.start + unit.end
    return Quote(passage, start, end, cells + " ", head, after, is_block=True)


def _head(candidate: Candidate) -> str:
    """The table's head: in the passage, or above it where the passage begins with this table."""
    passage, unit = candidate.passage, candidate.unit
    if unit.lead:
        return passage.text[slice(*unit.lead)] + "\n"
    is_begun_above = _paragraph_of_first_row(passage.text) == unit.paragraph
    return passage.head if is_begun_above else ""


def _paragraph_of_first_row(text: str) -> int:
    """The block in which a passage begins, if that is rows of a table; -1 where it is none."""
    first = next(iter(units(text)), None)
    return first.paragraph if first is not None and first.kind == "row" else -1


def _item(candidate: Candidate) -> Quote:
    """A list with its lead-in, whole where it is short, else the one item."""
    passage, unit = candidate.passage, candidate.unit
    whole = _short_list(candidate)
    if whole is not None:
        return _of(passage, whole, is_block=True)
    if unit.lead is None:
        return _of(passage, (unit.start, unit.end))
    lead = _shown(passage.text[slice(*unit.lead)]) + "\n\n- "
    return _of(passage, (unit.start, unit.end), before=lead, is_block=True)


def _short_list(candidate: Candidate) -> tuple[int, int] | None:
    """The span of the list and its lead-in, where it has one and is short."""
    unit = candidate.unit
    if unit.lead is None:
        return None
    items = [u for u in units(candidate.passage.text) if u.paragraph == unit.paragraph]
    span = (unit.lead[0], items[-1].end)
    return span if span[1] - span[0] <= SHORT_LIST else None


def _of(
    passage: Passage, span: tuple[int, int], *, before: str = "", is_block: bool = False
) -> Quote:
    start, end = span
    text = _shown(passage.text[start:end])
    at = passage.start
    return Quote(passage, at + start, at + end, text, before, is_block=is_block)


def _shown(text: str) -> str:
    """A stretch of a document as an answer shows it."""
    return inert(unlinked(text))


def compose(quotes: Sequence[Quote]) -> tuple[list[str], list[Sentence]]:
    """The answer's text, one piece a quote, and its sentences.

    Each piece ends with its mark: ``…full pay.[1]``; ``"".join(pieces)`` is the answer.
    """
    pieces: list[str] = []
    sentences: list[Sentence] = []
    at = 0
    for number, quote in enumerate(quotes, start=1):
        gap = _gap(quotes, number - 1)
        words = f"{quote.before}{quote.text}[{number}]{quote.after}"
        sentences.append(
            Sentence(at + len(gap), at + len(gap) + len(words.rstrip()), (number,), "supported")
        )
        pieces.append(gap + words)
        at += len(gap) + len(words)
    return pieces, sentences


def _gap(quotes: Sequence[Quote], at: int) -> str:
    if at == 0:
        return ""
    return "\n\n" if quotes[at].is_block or quotes[at - 1].is_block else " "
