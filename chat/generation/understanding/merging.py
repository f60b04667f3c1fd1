"""Several searches for one message as one result."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from knowledge.passages import Passage, SearchResult

# Reciprocal ranks of the two wordings of a follow-up: chosen on one half of MTRAG's conversations.
_REWRITTEN = 0.7  # the weight of the rewritten one
_K = 5


@dataclass(frozen=True)
class Part:
    """A question of a message: as it was asked, as it was searched, and what that brought."""

    question: str
    query: str
    result: SearchResult


@dataclass(frozen=True)
class Look:
    """One search that was made: of which question, in which wording, and what it brought."""

    question: int  # its place among the message's; -1: of the message as a whole
    wording: str  # "asked", "rewritten" or "whole"
    result: SearchResult


@dataclass(frozen=True)
class Found(SearchResult):
    """What was found for a message; ``parts`` where it asks several things.

    ``looks`` are all searches that it took, for whoever asks later how it came to be.
    """

    query: str = ""
    parts: tuple[Part, ...] = ()
    looks: tuple[Look, ...] = ()


def of_wordings(plain: SearchResult, rewritten: SearchResult, limit: int) -> SearchResult:
    """The better of a question as it was asked and as it was rewritten, helped by the other.

    Where the plain wording is as likely to be answered, it was no follow-up, or one that search
    understands without help. Otherwise the passages of both go by their reciprocal ranks (Cormack,
    Clarke and Büttcher 2009).
    """
    if plain.answerable >= rewritten.answerable:
        return plain
    points: dict[str, float] = {}
    by_id: dict[str, Passage] = {}
    for result, weight in ((rewritten, _REWRITTEN), (plain, 1 - _REWRITTEN)):
        for rank, passage in enumerate(result.passages, start=1):
            by_id.setdefault(passage.chunk_id, passage)
            points[passage.chunk_id] = points.get(passage.chunk_id, 0.0) + weight / (_K + rank)
    best = sorted(points, key=lambda chunk_id: -points[chunk_id])
    return replace(
        rewritten,
        passages=tuple(by_id[chunk_id] for chunk_id in best[:limit]),
        took_ms=round(plain.took_ms + rewritten.took_ms, 1),
        degraded=_all(plain, rewritten),
    )


def of_one(query: str, result: SearchResult) -> Found:
    """One search as a message's result."""
    return Found(**_fields(result), query=query)


def of_parts(whole: Part, parts: Sequence[Part], limit: int) -> Found:
    """The passages of a message and of its parts, the best ones of each in turn.

    No part is crowded out by another, and what bears on all of it stays in front: of 37 messages to
    a public FAQ that ask two things, recall@5 is .95 with the whole message and .86 without. The
    message can be answered where it, or one of its parts, can.
    """
    results = [whole.result, *(part.result for part in parts)]
    best = max(results, key=lambda result: result.answerable)
    merged = replace(
        best,
        passages=tuple(_in_turn([result.passages for result in results], max(limit, len(results)))),
        took_ms=round(sum(result.took_ms for result in results), 1),
        degraded=_all(*results),
    )
    return Found(**_fields(merged), query=whole.query, parts=tuple(parts))


def _in_turn(lists: Sequence[Sequence[Passage]], limit: int) -> Iterable[Passage]:
    seen: set[str] = set()
    for rank in range(max((len(one) for one in lists), default=0)):
        for one in lists:
            if rank < len(one) and one[rank].chunk_id not in seen and len(seen) < limit:
                seen.add(one[rank].chunk_id)
                yield one[rank]


def _all(*results: SearchResult) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for result in results for part in result.degraded))


def _fields(result: SearchResult) -> dict[str, Any]:
    return {name: getattr(result, name) for name in SearchResult.__dataclass_fields__}
