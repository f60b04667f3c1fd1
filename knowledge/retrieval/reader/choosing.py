"""Which sentences of a page are read: those nearest the question's words, up to a budget.

Reading takes time by the token, so a page that is longer than the budget is cut around what
matters: sentences that share rare words with the question, and their neighbours.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Shares of a sentence's weight that its neighbours get: an answer often stands beside the words
# that were asked for, more often after them.
_AFTER, _BEFORE = 0.4, 0.25
_SHORTEST = 8  # tokens of a sentence that is worth being cut to what is left of the budget


@dataclass(frozen=True)
class Piece:
    """A sentence that is read: its number among the page's, and the ids that are."""

    number: int
    ids: list[int]


def choose(question: Sequence[int], sentences: Sequence[list[int]], budget: int) -> list[Piece]:
    """Sentences in the page's order, together at most ``budget`` ids.

    Args:
        question: ids of the question's words that say something.
        sentences: ids of each sentence.
        budget: ids that may be read.
    """
    if sum(map(len, sentences)) <= budget:
        return [Piece(number, ids) for number, ids in enumerate(sentences) if ids]
    weights = _weights(frozenset(question), sentences)
    chosen: list[Piece] = []
    left = budget
    for number in sorted(range(len(sentences)), key=lambda each: (-weights[each], each)):
        ids = sentences[number]
        if ids and (len(ids) <= left or left >= _SHORTEST):
            chosen.append(Piece(number, ids[:left]))
            left -= min(left, len(ids))
    return sorted(chosen, key=lambda each: each.number)


def _weights(asked: frozenset[int], sentences: Sequence[list[int]]) -> list[float]:
    """Of each sentence: the rarer on this page the words that it shares, the more."""
    shared = [asked.intersection(ids) for ids in sentences]
    counts = Counter(word for words in shared for word in words)
    own = [
        sum(1 / math.log(2 + counts[word]) for word in sorted(words)) for words in shared
    ]  # sorted: sums of floats depend on the order
    return [
        weight
        + _AFTER * (own[at - 1] if at else 0.0)
        + _BEFORE * (own[at + 1] if at + 1 < len(own) else 0.0)
        for at, weight in enumerate(own)
    ]
