"""The answer without a model: the best-supported sentences of the documents, quoted.

The same question, passages and embedder give the same quotes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chat.generation.citations import inert
from chat.generation.links import unlinked
from chat.generation.sentences import Sentence
from chat.generation.spans import Unit, units
from chat.generation.terms import coverage, rarity, terms
from knowledge.passages import Passage

Embed = Callable[[Sequence[str]], np.ndarray]

PASSAGES = 5  # that sentences are taken from
EMBEDDED = 24  # sentences that are compared by meaning: about 0.3 s on a slow core
SENTENCES = 4  # that are quoted at most
FAIR = 0.5  # a further sentence's passage bears at least half as well on the question
CLOSE = 0.88  # a further sentence scores at least this share of the first one
SAME = 0.8  # two sentences that share so many of their words say the same
SHORT_LIST = 500  # code points: a list up to this length is quoted whole
# Weights fitted by hand on SQuAD 2 development paragraphs (first sentence holds the answer).
MEANING, WORDS, PASSAGE, KIND, HEADING = 0.40, 0.40, 0.12, 0.08, 0.35

_NUMBER = (
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|half)\b"
)
_DATE = (
    r"\b(?:1\d|20)\d\d\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b\d{1,2}[:.]\d\d\b|\bcentury\b"
    r"|\b(?:days?|weeks?|months?|years?|hours?|noon|midnight)\b"
)
_NAME = r"(?<!^)(?<![.!?] )\b[A-Z][\w’'-]+"
_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(asked, re.IGNORECASE), re.compile(held, flags))
    for asked, held, flags in (
        (r"\bhow (?:many|much|long|old|far|often|high|tall|big|large|fast)\b", _NUMBER, re.I),
        (r"\b(?:when|what (?:year|date|day|month|time|century)|since when)\b", _DATE, re.I),
        (r"\b(?:cost|price|fee|salary|percent|percentage|rate)\b", r"\d", 0),
        (r"\b(?:who|whom|whose)\b", _NAME, 0),
        (r"\bwhere\b", r"\b(?:in|at|on|near|from|to|under)\s+(?:the\s+)?[A-Z]\w+", 0),
        (r"\bwhy\b", r"\b(?:because|due to|since|so that|in order to|therefore|reason)\b", re.I),
    )
)
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


@dataclass(frozen=True)
class _Candidate:
    passage: Passage
    unit: Unit
    before: Unit | None  # the sentence in front of it, in the same paragraph
    words: tuple[str, ...]
    around: tuple[str, ...]  # of heading and title
    position: int

    @property
    def text(self) -> str:
        return self.passage.text[self.unit.start : self.unit.end]


def choose(question: str, passages: Sequence[Passage], embed: Embed | None) -> tuple[Quote, ...]:
    """One to four quotes that answer a question best, the best one first.

    Args:
        question: as it was asked.
        passages: ranked, best first; those after the fifth are not looked at.
        embed: texts to unit vectors, (n, d); None where sentences must go by their words alone.

    Returns:
        Quotes; empty only where the passages hold no sentence at all.
    """
    candidates = _candidates(passages[:PASSAGES])
    if not candidates:
        return ()
    scores = _scores(question, candidates, embed)
    return tuple(_quote(candidate) for candidate in _pick(candidates, scores))


def _candidates(passages: Sequence[Passage]) -> list[_Candidate]:
    found: list[_Candidate] = []
    seen: set[tuple[int, int]] = set()
    for passage in passages:
        around = tuple(terms(f"{passage.heading} {passage.title}"))
        before: Unit | None = None
        for unit in units(passage.text):
            place = (passage.version_id, passage.start + unit.start)
            words = tuple(terms(passage.text[unit.start : unit.end]))
            if place not in seen and _says_something(passage.text, unit, words):
                seen.add(place)
                same = before is not None and before.paragraph == unit.paragraph
                found.append(
                    _Candidate(passage, unit, before if same else None, words, around, len(found))
                )
            before = unit if unit.kind == "sentence" else None
    return found


def _says_something(text: str, unit: Unit, words: tuple[str, ...]) -> bool:
    """Not a heading, a label or a lead-in, and not the tail of a sentence that was cut off."""
    said = text[unit.start : unit.end]
    if unit.kind == "heading" or not words or said.endswith((":", "：")):
        return False
    if unit.kind != "sentence":
        return True
    is_cut = unit.start == 0 and said[0].islower()
    ends = said.rstrip("\"'”’»)]*_").endswith((".", "!", "?", "…", "。", "！", "？"))
    return not is_cut and (ends or len(words) >= 5)


def _scores(question: str, candidates: Sequence[_Candidate], embed: Embed | None) -> list[float]:
    asked = terms(question)
    weights = rarity([candidate.words for candidate in candidates])
    words = [_covered(asked, candidate, weights) for candidate in candidates]
    best_passage = max(candidate.passage.score for candidate in candidates) or 1.0
    meaning = _meaning(question, candidates, words, embed) if embed else words
    return [
        MEANING * meaning[i]
        + WORDS * words[i]
        + PASSAGE * candidate.passage.score / best_passage
        + KIND * _is_of_kind(question, candidate.text)
        for i, candidate in enumerate(candidates)
    ]


def _covered(asked: list[str], candidate: _Candidate, weights: dict[str, float]) -> float:
    """Terms of the question in the sentence; those in the heading above it count in part."""
    own = coverage(asked, candidate.words, weights)
    both = coverage(asked, (*candidate.words, *candidate.around), weights)
    return own + HEADING * (both - own)


def _meaning(
    question: str, candidates: Sequence[_Candidate], words: Sequence[float], embed: Embed
) -> list[float]:
    """Cosines of the sentences with the most words in common; the others count as the lowest."""
    order = sorted(range(len(candidates)), key=lambda i: (-words[i], i))[:EMBEDDED]
    vectors = embed([question, *(candidates[i].text for i in order)])
    cosines = vectors[1:] @ vectors[0]
    lowest = float(cosines.min())
    found = [lowest] * len(candidates)
    for place, cosine in zip(order, cosines, strict=True):
        found[place] = float(cosine)
    return found


def _is_of_kind(question: str, sentence: str) -> float:
    """1.0 where the sentence holds the kind of thing that is asked for: a number, a name."""
    for asked, held in _KINDS:
        if asked.search(question):
            return 1.0 if held.search(sentence) else 0.0
    return 0.5


def _pick(candidates: Sequence[_Candidate], scores: Sequence[float]) -> list[_Candidate]:
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], candidates[i].position))
    picked: list[_Candidate] = []
    for i in order:
        if len(picked) == SENTENCES or (picked and scores[i] < CLOSE * scores[order[0]]):
            break
        if picked and candidates[i].passage.score < FAIR * picked[0].passage.score:
            continue  # a sentence that sounds alike in a passage about something else
        if not any(_say_the_same(candidates[i], other) for other in picked):
            picked.append(candidates[i])
    return picked


def _say_the_same(one: _Candidate, other: _Candidate) -> bool:
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


def _quote(candidate: _Candidate) -> Quote:
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


def _code(candidate: _Candidate) -> Quote:
    """A block of code, closed where the passage cuts it; the mark stands below."""
    text = candidate.text
    fence = text.lstrip()[:3]
    closing = "" if text.rstrip().endswith(fence) and text.count(fence) > 1 else f"\n{fence}"
    start = candidate.passage.start
    unit = candidate.unit
    shown = f"{text}{closing}\n"
    return Quote(candidate.passage, start + unit.start, start + unit.end, shown, is_block=True)


def _row(candidate: _Candidate) -> Quote:
    """A table row under its table's head; the mark stands in the last cell."""
    passage, unit = candidate.passage, candidate.unit
    head = _shown(passage.text[slice(*unit.lead)]) + "\n" if unit.lead else ""
    row = _shown(candidate.text)
    cells = row.rstrip().removesuffix("|").rstrip()
    after = row[len(cells) :] or " |"
    start, end = passage.start + unit.start, passage.start + unit.end
    return Quote(passage, start, end, cells + " ", head, after, is_block=True)


def _item(candidate: _Candidate) -> Quote:
    """A list with its lead-in, whole where it is short, else the one item."""
    passage, unit = candidate.passage, candidate.unit
    whole = _short_list(candidate)
    if whole is not None:
        return _of(passage, whole, is_block=True)
    if unit.lead is None:
        return _of(passage, (unit.start, unit.end))
    lead = _shown(passage.text[slice(*unit.lead)]) + "\n\n- "
    return _of(passage, (unit.start, unit.end), before=lead, is_block=True)


def _short_list(candidate: _Candidate) -> tuple[int, int] | None:
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
