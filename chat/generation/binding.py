"""Which words of a passage carry a sentence of the answer: the span that its footnote quotes."""

import re
from collections.abc import Sequence

from chat.generation.spans import Unit, units
from chat.generation.support.evidence import covered, find
from chat.generation.support.reading import claim as read_claim
from chat.generation.support.reading import source
from chat.generation.terms import coverage, rarity, terms
from knowledge.passages import Passage

_MARK = re.compile(r"\[\d{1,3}\]")
LEAST = 0.2  # below this share of the claim's words no sentence is a fair quote
GAIN = 0.15  # a neighbour is quoted too where it adds this much


def bind(claim: str, passage: Passage) -> tuple[int, int]:
    """The span of the version's text that supports a claim best: one sentence, or two neighbours.

    Args:
        claim: the answer's sentence, marks and all.
        passage: the passage that the sentence cites.

    Returns:
        Offsets into the version's text, so that ``version_text[start:end]`` is the quote. The
        whole passage where no sentence of it shares enough words with the claim.
    """
    candidates = [unit for unit in units(passage.text) if unit.kind != "heading"]
    wanted = terms(_MARK.sub("", claim))
    found = [terms(passage.text[unit.start : unit.end]) for unit in candidates]
    weights = rarity(found)
    best = _best(candidates, [coverage(wanted, there, weights) for there in found])
    if best is None:
        return passage.start, passage.end
    first = last = best
    alone = coverage(wanted, found[best], weights)
    for other in (best - 1, best + 1):
        if 0 <= other < len(candidates) and _are_neighbours(candidates, best, other):
            both = coverage(wanted, [*found[best], *found[other]], weights)
            if both - alone >= GAIN:
                alone, first, last = both, min(first, other), max(last, other)
    return passage.start + candidates[first].start, passage.start + candidates[last].end


def _best(candidates: Sequence[Unit], scores: Sequence[float]) -> int | None:
    if not candidates:
        return None
    best = max(range(len(candidates)), key=lambda i: (scores[i], -i))
    return best if scores[best] >= LEAST else None


def _are_neighbours(candidates: Sequence[Unit], one: int, other: int) -> bool:
    return candidates[one].paragraph == candidates[other].paragraph


def bind_closely(claim: str, passage: Passage) -> tuple[int, int]:
    """As ``bind``, with figures, names and word order weighed as the check of sentences does.

    It costs some milliseconds, so a stream binds with ``bind`` first.
    """
    one = source(passage.text, f"{passage.title}\n{passage.heading}")
    said = read_claim(claim)
    held = find(said, one)
    if held is None or covered(said.words, one.pieces[held.best].keys, one) < LEAST:
        return bind(claim, passage)
    first = last = held.best
    for other in (held.best - 1, held.best + 1):
        if other in held.pieces and one.pieces[other].paragraph == one.pieces[first].paragraph:
            first, last = min(first, other), max(last, other)
    return passage.start + one.pieces[first].start, passage.start + one.pieces[last].end
