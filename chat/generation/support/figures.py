"""What a sentence and its passages show, as the few figures that a verdict is weighed from."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from chat.generation.support.evidence import Evidence, covered, find
from chat.generation.support.facts import Finding
from chat.generation.support.findings import findings
from chat.generation.support.lexicon import NEGATIONS, OPPOSITES
from chat.generation.support.reading import Claim, Source, claim, meaning, source
from chat.generation.support.tokens import plain, tokens
from knowledge.passages import Passage

Embed = Callable[[Sequence[str]], np.ndarray]

NAMES = (
    "coverage", "overlap", "new_words", "facts_missing", "turned", "opposites", "negations",
    "length",
)  # fmt: skip
WITH_MEANING = (*NAMES, "meaning", "meaning_of_window")
_TURNS = frozenset({"swap", "negation", "opposite", "unit"})
_CLAUSE = re.compile(r"[;:]|,? (?:and|but|while|whereas|although|because|which|und|aber|mais)\b")
_CLAUSE_WORDS = 3  # telling words of a part that is looked at by itself
_LONG = 40  # words of a long sentence: ``length`` is 1 there


@dataclass(frozen=True)
class Weighed:
    """A sentence beside what it cites: findings, figures, and the texts that embeddings compare.

    ``clauses`` is the share of the words of each part of the sentence that the passages have.
    """

    findings: tuple[Finding, ...]
    figures: tuple[float, ...]
    sentence: str
    best: str
    window: str
    clauses: tuple[float, ...] = ()


def weigh(sentence: str, passages: Sequence[Passage]) -> Weighed:
    """The deterministic part of a check; about 5 ms a passage."""
    return weigh_texts(sentence, [(p.text, f"{p.title}\n{p.heading}") for p in passages])


def weigh_texts(sentence: str, texts: Sequence[tuple[str, str]]) -> Weighed:
    """As ``weigh``, of (text, title and headings) pairs."""
    said = claim(sentence)
    sources = [source(text, around) for text, around in texts]
    held = [find(said, one) for one in sources]
    known = [(at, one) for at, one in enumerate(held) if one is not None]
    found = findings(said, sources)
    if not known:
        return Weighed(found, (0.0,) * len(NAMES), said.text, "", "")
    at, best = max(known, key=lambda pair: (pair[1].coverage + pair[1].overlap, -pair[0]))
    text, pieces = texts[at][0], sources[at].pieces
    place = (pieces[best.best].start, pieces[best.best].end)
    return Weighed(
        findings=found,
        figures=_figures(said, sources, (best, found)),
        sentence=said.text,
        best=_shown(text, [place]),
        window=_shown(text, [(pieces[i].start, pieces[i].end) for i in best.pieces]),
        clauses=_clauses(said, sources),
    )


def _clauses(said: Claim, sources: Sequence[Source]) -> tuple[float, ...]:
    there = {key for one in sources for key in one.keys}
    parts = [meaning(tokens(part)) for part in _CLAUSE.split(said.text)]
    return tuple(covered(part, there, sources[0]) for part in parts if len(part) >= _CLAUSE_WORDS)


def _shown(text: str, spans: Iterable[tuple[int, int]]) -> str:
    return " ".join(plain(text[start:end]).strip() for start, end in spans)


def _figures(
    said: Claim, sources: Sequence[Source], best: tuple[Evidence, tuple[Finding, ...]]
) -> tuple[float, ...]:
    evidence, found = best
    words = frozenset(said.words)
    there = {key for one in sources for key in one.keys}
    turns = sum(finding.kind in _TURNS for finding in found)
    ours = {str(token.key[1]) for token in said.tokens}
    theirs = {str(token.key[1]) for token in evidence.beside.theirs}
    return (
        evidence.coverage,
        evidence.overlap,
        1.0 - covered(words, there, sources[0]),
        min(len(found) - turns, 2) / 2,
        min(turns, 2) / 2,
        float(any(OPPOSITES.get(word, frozenset()) & (theirs - ours) for word in ours - theirs)),
        float(bool(ours & NEGATIONS) != bool(theirs & NEGATIONS)),
        min(len(said.words) / _LONG, 1.0),
    )


def meanings(weighed: Sequence[Weighed], embed: Embed) -> list[tuple[float, ...]]:
    """The figures with cosines of each sentence to its best sentence and to its window.

    One call of ``embed`` for all; it gets up to three short texts a sentence.
    """
    texts = [text for one in weighed for text in (one.sentence, one.best, one.window)]
    different = list(dict.fromkeys(filter(None, texts)))
    vectors = dict(zip(different, embed(different), strict=True)) if different else {}
    return [
        (
            *one.figures,
            _cosine(one.sentence, one.best, vectors),
            _cosine(one.sentence, one.window, vectors),
        )
        for one in weighed
    ]


def _cosine(one: str, other: str, vectors: dict[str, np.ndarray]) -> float:
    return float(vectors[one] @ vectors[other]) if one and other else 0.0
