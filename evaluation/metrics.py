"""What one search found of what it should have found: figures of one question.

nDCG, recall and AUC are those of ``knowledge.retrieval.metrics``; here are the reading of passages
as a ranking of documents, the mean reciprocal rank, and the evidence that a passage shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from knowledge.retrieval.metrics import ndcg, recall

# A span below this length is shorter than a sentence and must be shown whole; of a longer one a
# half is enough, as what matters may begin in the passage and run on in the next.
SENTENCE = 60
NAMES = ("ndcg@10", "recall@1", "recall@5", "recall@10", "recall@20", "mrr", "evidence@5")
EVIDENCE_WITHIN = 5


@dataclass(frozen=True)
class Shown:
    """A passage as it came back: characters ``start`` to ``end`` of a document's text.

    ``same_as`` are documents that have the same passage and are not shown for it.
    """

    document_id: int
    start: int
    end: int
    text: str = ""
    same_as: tuple[int, ...] = ()


@dataclass(frozen=True)
class GoldSpan:
    """Characters ``start`` to ``end`` of a document's text, which answer a question."""

    document_id: int
    start: int
    end: int
    quote: str = ""


@dataclass(frozen=True)
class Gold:
    """What a question should bring: documents with a grade above 0, and places in them."""

    grades: Mapping[int, float] = field(default_factory=dict)
    spans: tuple[GoldSpan, ...] = ()


def documents_of(shown: Sequence[Shown], grades: Mapping[int, float]) -> list[int]:
    """Documents in the order of their best passages, each once.

    A passage that stands for several documents counts as the best of them that was asked for and
    is not ranked yet: readers see it once, whichever it is.
    """
    ranked: dict[int, None] = {}
    for passage in shown:
        candidates = (passage.document_id, *passage.same_as)
        wanted = [d for d in candidates if grades.get(d, 0) > 0 and d not in ranked]
        best = max(wanted, key=lambda d: grades[d], default=passage.document_id)
        ranked.setdefault(best)
    return list(ranked)


def reciprocal_rank(ranked: Sequence[int], relevant: set[int]) -> float:
    """1 / the place of the first relevant one, from 1; 0 without one."""
    places = (at for at, key in enumerate(ranked, 1) if key in relevant)
    return 1 / next(places, float("inf"))


def covers(passage: Shown, span: GoldSpan) -> bool:
    """Whether a passage shows enough of a span: half of it, or all where it is short."""
    needed = _needed(span.end - span.start)
    if passage.document_id == span.document_id:
        shared = min(passage.end, span.end) - max(passage.start, span.start)
        return shared >= needed
    if span.document_id in passage.same_as and span.quote:
        return _words(span.quote) in _words(passage.text)
    return False


def evidence_rank(shown: Sequence[Shown], spans: Sequence[GoldSpan]) -> int | None:
    """The place, from 1, of the first passage that shows one of the spans."""
    for place, passage in enumerate(shown, 1):
        if any(covers(passage, span) for span in spans):
            return place
    return None


def of_question(shown: Sequence[Shown], gold: Gold) -> dict[str, float]:
    """The figures of one question, by name; evidence only where there is a span.

    Args:
        shown: passages, best first.
        gold: at least one graded document; without one there is no figure.
    """
    if not gold.grades:
        return {}
    ranked = documents_of(shown, gold.grades)
    relevant = set(gold.grades)
    best = max(gold.grades.values())
    figures = {
        "ndcg@10": ndcg(ranked, gold.grades, 10),
        "recall@1": float(bool(ranked) and gold.grades.get(ranked[0]) == best),
        **{f"recall@{limit}": recall(ranked, relevant, limit) for limit in (5, 10, 20)},
        "mrr": reciprocal_rank(ranked, relevant),
    }
    if gold.spans:
        rank = evidence_rank(shown, gold.spans)
        figures["evidence@5"] = float(rank is not None and rank <= EVIDENCE_WITHIN)
    return figures


def _needed(length: int) -> int:
    return length if length < SENTENCE else (length + 1) // 2


def _words(text: str) -> str:
    return " ".join(text.split()).casefold()
