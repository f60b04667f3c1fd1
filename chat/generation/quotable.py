"""The sentences that may be quoted, and how likely each holds the answer.

Where the small reader has read a passage, its opinion of each sentence leads; without it sentences
are compared by meaning and words, by weights set by hand. ``python -m benchmarks.quotes`` measures
both and fits others with ``--fit``.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chat.generation.spans import Unit, units
from chat.generation.terms import coverage, rarity, terms
from knowledge.passages import Passage

Embed = Callable[[Sequence[str]], np.ndarray]

PASSAGES = 5  # that sentences are taken from, where none was read
EMBEDDED = 24  # sentences that are compared by meaning: about 0.3 s on a slow core
HEADING = 0.35  # how far a term counts that only the heading above a sentence has
MEANING, WORDS, PASSAGE, KIND = 0.40, 0.40, 0.12, 0.08
# Of what was read: log-odds of the sentence, of its passage, and the same figures as above. Fitted
# by benchmarks/quotes.py on every second question of squad2's articles that the reader never saw.
READ_SENTENCE, READ_PAGE, READ_WORDS, READ_PASSAGE, READ_KIND, READ_INTERCEPT = (
    0.444, 0.134, 4.084, 19.911, 0.569, -22.047
)  # fmt: skip
_SURE = 1e-4  # the reader is never surer than this
MOST = 0.95  # what the reader thinks of a sentence or passage at best, all but never more

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


@dataclass(frozen=True)
class Candidate:
    """A unit of a passage that could be quoted."""

    passage: Passage
    unit: Unit
    before: Unit | None  # the sentence in front of it, in the same paragraph
    words: tuple[str, ...]
    around: tuple[str, ...]  # of heading and title
    position: int

    @property
    def text(self) -> str:
        return self.passage.text[self.unit.start : self.unit.end]


@dataclass(frozen=True)
class Shown:
    """What is known of a candidate; ``meaning`` is None where sentences were not compared by it.

    ``sentence`` and ``page`` (0..1) are the reader's; None where it did not read the passage.
    """

    words: float
    passage: float
    kind: float
    meaning: float | None = None
    sentence: float | None = None
    page: float | None = None


def candidates_in(passages: Sequence[Passage]) -> list[Candidate]:
    """The candidates of passages that are ranked, best first: of those that were read, if any."""
    read = [passage for passage in passages if passage.judged is not None]
    return _candidates(read) or _candidates(passages[:PASSAGES])


def _candidates(passages: Sequence[Passage]) -> list[Candidate]:
    found: list[Candidate] = []
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
                    Candidate(passage, unit, before if same else None, words, around, len(found))
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


def shown(question: str, candidates: Sequence[Candidate], embed: Embed | None) -> list[Shown]:
    """What is known of each candidate; texts are embedded only where nothing was read."""
    asked = terms(question)
    weights = rarity([candidate.words for candidate in candidates])
    words = [_covered(asked, candidate, weights) for candidate in candidates]
    best_passage = max((candidate.passage.score for candidate in candidates), default=0.0) or 1.0
    is_read = any(candidate.passage.judged for candidate in candidates)
    meaning: Sequence[float | None] = [None] * len(candidates)
    if embed and candidates and not is_read:
        meaning = _meaning(question, candidates, words, embed)
    return [
        Shown(
            words=words[i],
            passage=candidate.passage.score / best_passage,
            kind=_is_of_kind(question, candidate.text),
            meaning=meaning[i],
            sentence=_read_sentence(candidate),
            page=candidate.passage.judged.answerable if candidate.passage.judged else None,
        )
        for i, candidate in enumerate(candidates)
    ]


def score(one: Shown) -> float:
    """0..1: the higher, the likelier the candidate holds the answer."""
    if one.sentence is None or one.page is None:
        meaning = one.words if one.meaning is None else one.meaning
        return MEANING * meaning + WORDS * one.words + PASSAGE * one.passage + KIND * one.kind
    return 1 / (1 + math.exp(-max(min(_odds(one, one.sentence, one.page), 60.0), -60.0)))


def _odds(one: Shown, sentence: float, page: float) -> float:
    """Log-odds that a candidate holds the answer, where the reader thinks so of it."""
    return (
        READ_SENTENCE * logit(sentence)
        + READ_PAGE * logit(page)
        + READ_WORDS * one.words
        + READ_PASSAGE * one.passage
        + READ_KIND * one.kind
        + READ_INTERCEPT
    )


def may_be_quoted(question: str, read: Sequence[Passage], following: Passage) -> bool:
    """Whether anything of a passage could be quoted if the reader thought the best of it.

    Reading a passage is the dearest part of a quoted answer. One that bears much less on the
    question than those that were read, and shares fewer words with it, would be read in vain.
    """
    candidates = _candidates([*read, following])
    best, possible = -math.inf, -math.inf
    for one in shown(question, candidates, None):
        if one.sentence is None or one.page is None:
            possible = max(possible, _odds(one, MOST, MOST))
        else:
            best = max(best, _odds(one, one.sentence, one.page))
    return possible >= min(best, 0.0)  # the best quote, or good enough for a further one


def logit(share: float) -> float:
    """Log-odds of a share, of one that is never quite 0 or 1."""
    share = min(max(share, _SURE), 1 - _SURE)
    return math.log(share / (1 - share))


def _read_sentence(candidate: Candidate) -> float | None:
    """The best of the spans that were judged and lie in the unit, by half of the shorter one."""
    judged = candidate.passage.judged
    if judged is None:
        return None
    begin, stop = candidate.unit.start, candidate.unit.end
    inside = [
        likely
        for start, end, likely in judged.spans
        if 2 * (min(end, stop) - max(start, begin)) >= min(end - start, stop - begin)
    ]
    return max(inside, default=0.0)


def _covered(asked: list[str], candidate: Candidate, weights: dict[str, float]) -> float:
    """Terms of the question in the sentence; those in the heading above it count in part."""
    own = coverage(asked, candidate.words, weights)
    both = coverage(asked, (*candidate.words, *candidate.around), weights)
    return own + HEADING * (both - own)


def _meaning(
    question: str, candidates: Sequence[Candidate], words: Sequence[float], embed: Embed
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
