"""One search taken apart, for staff: what each stage thought of a passage, and what became of it.

It goes the way of a real search, with the same stages in the same order, and looks further down.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from django.utils import timezone

from knowledge import index_store
from knowledge.passages import Filters, Passage, Scores
from knowledge.retrieval.answerability import LINE
from knowledge.retrieval.retriever import Retrieved, RetrievedHit
from knowledge.search import masks, querying
from knowledge.search.audiences import Audience, Scope
from knowledge.search.expanding import question_vector
from knowledge.search.judging import Ground, judge
from knowledge.search.querying import MOST, SPARE, Question
from knowledge.search.reading import Read, read
from knowledge.search.reranking import reranked

_UNFILTERED = Filters()
_NOT_VISIBLE = "The database no longer shows it to this reader, so a search drops it."
_DUPLICATE = "It says the same as a passage further up, which names its document."
_BEYOND = "It ranks below the number of passages that were asked for."


@dataclass(frozen=True)
class Ranks:
    """Places from 1, None where a stage did not see the passage.

    The dense search itself finds the first 50; the others' cosines were computed afterwards.
    """

    dense: int | None
    lexical: int | None
    fused: int
    rerank: int | None = None
    final: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A passage that a stage proposed; ``passage`` is None where the reader may not see it."""

    chunk_id: str
    document_id: int
    passage: Passage | None
    scores: Scores
    ranks: Ranks
    relevance: float  # 0..1
    dropped: str = ""  # "", "not visible", "duplicate" or "beyond limit"
    why: str = ""  # one sentence, where it was dropped


@dataclass(frozen=True)
class Explanation:
    """A search with its stages; ``candidates`` are those that are shown first, then the others.

    ``took_ms`` names each part: audience, embedding, dense, lexical, matches, vectors, rows,
    rerank, reader and total.
    """

    query: str
    build_id: int | None = None
    configuration: str = ""
    documents: int = 0  # that the reader may see
    candidates: tuple[Candidate, ...] = ()
    answerable: float = 0.0
    threshold: float = LINE  # below it an answer says that nothing was found
    certainty: float = 0.0
    unknown: tuple[str, ...] = ()  # codes of the question that no document has
    degraded: tuple[str, ...] = ()
    took_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def passages(self) -> tuple[Passage, ...]:
        """What a search would have answered."""
        return tuple(each.passage for each in self.candidates if each.passage and not each.dropped)


def explain(
    query: str, *, audience: Audience, limit: int | None = None, filters: Filters = _UNFILTERED
) -> Explanation:
    """Search as this audience and keep what the stages said."""
    clock = _Clock()
    scope = Scope(audience, filters, timezone.localdate())
    snapshot = index_store.current()
    if snapshot is None:
        return Explanation(query, documents=scope.documents().count())
    limit = max(1, min(limit or snapshot.configuration.top_k, MOST))
    with clock.part("audience"):
        seen = masks.visible(snapshot, scope, anew=True)
    plain = Explanation(query, snapshot.build_id, str(snapshot.configuration.name), seen.documents)
    if not seen.documents or not query.strip():
        return replace(plain, took_ms=clock.took)
    with clock.part("embedding"):
        vector = question_vector(query, snapshot.model)
        vector()  # to be timed alone; a search looks for words meanwhile
    question = Question(query, vector, scope, limit)
    timed = replace(snapshot, index=_Timed(snapshot.index, clock))
    found = querying.find(question, timed, seen, MOST)
    with clock.part("rows"):
        known = read(found.hits, scope)
    with clock.part("rerank"):
        ordered, was_reranked = reranked(query, _first(known, found, limit + SPARE))
    with clock.part("reader"):
        judged = judge(query, ordered, Ground(snapshot, seen, found))
    clock.stop()
    return replace(
        plain,
        candidates=_candidates(found, known, judged.passages, limit),
        answerable=judged.judgement.answerable,
        certainty=judged.judgement.certainty,
        unknown=judged.unknown,
        degraded=querying.degraded(question, was_reranked=was_reranked, was_read=judged.was_read),
        took_ms=clock.took,
    )


def _first(known: Read, found: Retrieved, depth: int) -> tuple[Passage, ...]:
    """The passages that a search reads: those of the first hits."""
    ids = {str(hit.chunk_id) for hit in found.hits[:depth]}
    return tuple(passage for passage in known.passages if passage.chunk_id in ids)


def _candidates(
    found: Retrieved, known: Read, ordered: Sequence[Passage], limit: int
) -> tuple[Candidate, ...]:
    """The passages that are shown in their order, then what was dropped in the fused one's."""
    passages = {passage.chunk_id: passage for passage in known.passages}
    passages.update((passage.chunk_id, passage) for passage in ordered)
    final = {passage.chunk_id: at for at, passage in enumerate(ordered[:limit], 1)}
    ranks = _Ranking(found.hits, ordered)
    every = []
    for at, hit in enumerate(found.hits, 1):
        key = str(hit.chunk_id)
        dropped, why = _dropped(hit, known, final)
        every.append(
            Candidate(
                chunk_id=key,
                document_id=hit.document_id,
                passage=passages.get(key) or known.repeated.get(hit.chunk_id),
                scores=passages[key].scores if key in passages else _scores(hit),
                ranks=ranks.of(hit, at, final.get(key)),
                relevance=hit.relevance,
                dropped=dropped,
                why=why,
            )
        )
    return tuple(sorted(every, key=lambda each: each.ranks.final or limit + each.ranks.fused))


def _dropped(hit: RetrievedHit, known: Read, final: Mapping[str, int]) -> tuple[str, str]:
    if hit.chunk_id in known.unseen:
        return "not visible", _NOT_VISIBLE
    if hit.chunk_id in known.repeated:
        return "duplicate", _DUPLICATE
    if str(hit.chunk_id) not in final:
        return "beyond limit", _BEYOND
    return "", ""


def _scores(hit: RetrievedHit) -> Scores:
    return Scores(dense=hit.dense, lexical=hit.lexical, fused=hit.fused)


class _Ranking:
    """Each stage's own order of the hits."""

    def __init__(self, hits: Sequence[RetrievedHit], ordered: Sequence[Passage]) -> None:
        self._dense = _places({hit.row: hit.dense for hit in hits})
        self._lexical = _places({hit.row: hit.lexical for hit in hits})
        self._rerank = _places({each.chunk_id: each.scores.rerank for each in ordered})

    def of(self, hit: RetrievedHit, fused: int, final: int | None) -> Ranks:
        return Ranks(
            dense=self._dense.get(hit.row),
            lexical=self._lexical.get(hit.row),
            fused=fused,
            rerank=self._rerank.get(str(hit.chunk_id)),
            final=final,
        )


def _places(scores: Mapping[Any, float | None]) -> dict[Any, int]:
    known = [(score, key) for key, score in scores.items() if score is not None]
    known.sort(key=lambda pair: -pair[0])
    return {key: at for at, (_, key) in enumerate(known, 1)}


class _Clock:
    """Milliseconds of each part, and in all."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self._began = perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            passed = (perf_counter() - began) * 1000
            self.took[name] = round(self.took.get(name, 0.0) + passed, 2)

    def stop(self) -> None:
        self.took["total"] = round((perf_counter() - self._began) * 1000, 2)


class _Timed:
    """A release whose calls are timed by their names."""

    def __init__(self, index: Any, clock: _Clock) -> None:
        self._index, self._clock = index, clock

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._index, name)
        if name not in _TIMED:
            return value

        def call(*arguments: Any, **options: Any) -> Any:
            with self._clock.part(name):
                return value(*arguments, **options)

        return call


_TIMED = ("dense", "lexical", "vectors", "matches")
