"""What the product is compared with, from the same index in the same run.

BM25 alone and dense alone are the index's own two ways of finding; RRF is reciprocal rank fusion
of both with k = 60 (Cormack, Clarke and Büttcher 2009). The product's own first passages put in the
reader's order are asked for by name alone, as they take a second a question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from evaluation.asking import DEPTH, shown_of, shown_passage
from evaluation.metrics import Shown
from evaluation.mixing import mixed
from knowledge.index_store import Snapshot
from knowledge.passages import Passage
from knowledge.retrieval.types import Scored
from knowledge.search.judging import read_passages
from knowledge.search.query_vectors import query_vector

PRODUCT = "product"
BASELINES = ("bm25", "dense", "rrf")
METHODS = (PRODUCT, *BASELINES)
# The reader's order of the first ten, and that order fused with the product's own.
READ = ("read", "read+fused")
_K = 60
_READ = 10  # passages


@dataclass(frozen=True)
class Ranking:
    """One method's passages, best first; ``score`` is that of the first, to part kinds by."""

    shown: Sequence[Shown]
    score: float


def baselines(
    snapshot: Snapshot, query: str, allowed: Any, wanted: Sequence[str]
) -> dict[str, Ranking]:
    """The rankings of the baselines among ``wanted``, within the rows that are allowed."""
    index = snapshot.index
    vector = query_vector(query, snapshot.model)
    dense = index.dense(vector, allowed, DEPTH) if vector is not None else []
    lexical = index.lexical(query, allowed, DEPTH)
    rankings = {"bm25": lexical, "dense": dense, "rrf": reciprocal(dense, lexical)}
    hits = {name: ranking for name, ranking in rankings.items() if name in wanted}
    chunks: Mapping[str, list[UUID]] = {
        name: index.chunk_ids([hit.row for hit in ranking]) for name, ranking in hits.items()
    }
    shown = shown_of(chunks)
    return {
        name: Ranking(shown[name], ranking[0].score if ranking else 0.0)
        for name, ranking in hits.items()
    }


def read_again(
    query: str, passages: Sequence[Passage], wanted: Sequence[str]
) -> dict[str, Ranking]:
    """The product's first passages in the reader's order; nothing where there is no reader."""
    judged = (read_passages(query, passages[:_READ]) or []) if set(READ) & set(wanted) else []
    if not judged:
        return {}
    places = range(len(judged))
    by_reader = sorted(places, key=lambda at: -judged[at].answerable)
    opinions = [one.answerable for one in judged]
    orders = {"read": by_reader, "read+fused": mixed(opinions)}
    score = max(opinions)
    return {
        name: Ranking(
            [shown_passage(p) for p in (*(passages[at] for at in order), *passages[_READ:])], score
        )
        for name, order in orders.items()
        if name in wanted
    }


def reciprocal(*rankings: Sequence[Scored]) -> list[Scored]:
    """Rows by the sum of 1 / (60 + place) over the rankings; equal sums by row."""
    sums: dict[int, float] = {}
    for ranking in rankings:
        for place, hit in enumerate(ranking, 1):
            sums[hit.row] = sums.get(hit.row, 0.0) + 1 / (_K + place)
    best = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    return [Scored(row, score) for row, score in best[:DEPTH]]
