"""Asking one release a question, and keeping what each stage brought.

The final ranking is that of the product's own search; dense and lexical are the release's two
ways of finding, and fused is both of them together before rows, twins and a reranker are looked
at: each is asked on its own, so that it shows which stage lost an answer.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from time import monotonic, perf_counter, sleep
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from evaluation.metrics import Shown
from evaluation.scoring import FINAL, Asked
from knowledge import conf, index_store
from knowledge.index_store import Snapshot
from knowledge.models import Chunk, Document
from knowledge.passages import Filters, Passage
from knowledge.retrieval.retriever import retrieve
from knowledge.retrieval.types import EmbedderUnavailable, Scored, Vector
from knowledge.search import masks
from knowledge.search.audiences import Audience, Scope
from knowledge.search.expanding import retriever_config
from knowledge.search.query_vectors import query_vector
from knowledge.search.querying import search_in

# Passages of each stage. A search gives 50 at most and keeps ten of them for what falls away, so
# that this many need no second look; they name the first 20 documents, several passages each.
DEPTH = 40
# A reader's question waits half a second for its vector; here the machine may be busy with
# documents, and a figure must not depend on that. What comes late is remembered by then.
_PATIENCE_SECONDS = 20.0
_LOOK_EVERY_SECONDS = 0.1
_OPEN = Filters()


class Readers:
    """Who asks: somebody in a question's groups and in no other, or a visitor.

    What they may see is worked out here once more and not taken from the search, which is held
    against it.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], frozenset[int]] = {}

    def may_see(self, groups: Iterable[str]) -> frozenset[int]:
        """Active documents for everyone or for one of these groups."""
        names = tuple(sorted(set(groups)))
        if names not in self._known:
            public = Q(is_restricted=False, groups=None)
            theirs = Q(groups__name__in=names) if names else Q(pk__in=())
            visible = Document.objects.filter(public | theirs, is_active=True)
            self._known[names] = frozenset(visible.values_list("pk", flat=True))
        return self._known[names]


class Asker:
    """Asks one release, question after question."""

    def __init__(self, snapshot: Snapshot, readers: Readers | None = None) -> None:
        self.snapshot = snapshot
        self._readers = readers or Readers()
        current = index_store.current()
        self._is_released = current is not None and current.build_id == snapshot.build_id
        self.is_deaf = not _wakes(snapshot.model)  # it can be asked by words alone

    def may_see(self, groups: Iterable[str]) -> frozenset[int]:
        """Documents that who asks may see."""
        return self._readers.may_see(groups)

    def ask(self, query: str, groups: Sequence[str] = (), filters: Filters = _OPEN) -> Asked:
        """The passages of every stage, as somebody in these groups gets them."""
        audience = Audience.members(*groups) if groups else Audience.visitor()
        index, clock = self.snapshot.index, _Clock()
        vector = self.vector(query)
        clock.lap("embedding")
        found = search_in(self.snapshot, query, audience=audience, limit=DEPTH, filters=filters)
        clock.lap(FINAL)
        scope = Scope(audience, filters, timezone.localdate(), self._is_released)
        allowed = masks.visible(self.snapshot, scope).rows
        clock.lap("")
        dense = index.dense(vector, allowed, DEPTH) if vector is not None else []
        clock.lap("dense")
        lexical = index.lexical(query, allowed, DEPTH)
        clock.lap("lexical")
        config = retriever_config(query, self.snapshot.model, DEPTH)
        fused = retrieve(query, vector, index, allowed, config).hits
        stages = shown_of(
            {
                "dense": _chunks(index, dense),
                "lexical": _chunks(index, lexical),
                "fused": [hit.chunk_id for hit in fused],
            }
        )
        return Asked(
            stages={**stages, FINAL: [shown_passage(passage) for passage in found.passages]},
            answerable=found.answerable,
            latency=clock.laps,
            degraded=found.degraded,
            certainty=found.certainty,
            signals={} if found.unknown else found.signals,
        )

    def vector(self, query: str) -> Vector | None:
        """The question's vector, waited for; None where the model cannot be had."""
        if self.is_deaf:
            return None
        until = monotonic() + _PATIENCE_SECONDS
        while (vector := query_vector(query, self.snapshot.model)) is None:
            if monotonic() > until:
                self.is_deaf = True  # once is enough to wait in vain
                break
            sleep(_LOOK_EVERY_SECONDS)
        return vector


def _wakes(model: str) -> bool:
    """Load a release's embedding model, however long that takes; False where it is not there."""
    try:
        embedder = conf.embedder_for(model)
        if embedder is None:
            return False
        embedder.embed_queries(["Is anybody there?"])
    except EmbedderUnavailable:
        return False
    return True


def shown_passage(passage: Passage) -> Shown:
    """A passage as the figures take it."""
    return Shown(
        passage.document_id, passage.start, passage.end, passage.text, tuple(passage.same_as)
    )


def shown_of(stages: Mapping[str, Sequence[UUID]]) -> dict[str, list[Shown]]:
    """Chunks as passages, in their order, by one query; chunks that are gone are left out."""
    wanted = {chunk for chunks in stages.values() for chunk in chunks}
    places = chunk_places(wanted)
    return {
        stage: [places[chunk] for chunk in chunks if chunk in places]
        for stage, chunks in stages.items()
    }


def chunk_places(chunk_ids: Collection[UUID]) -> dict[UUID, Shown]:
    """Where these chunks stand."""
    rows = Chunk.objects.filter(pk__in=chunk_ids).values_list(
        "pk", "version__document_id", "start", "end"
    )
    return {pk: Shown(document_id, start, end) for pk, document_id, start, end in rows}


def _chunks(index: Any, hits: Sequence[Scored]) -> list[UUID]:
    ids: list[UUID] = index.chunk_ids([hit.row for hit in hits])
    return ids


class _Clock:
    """Milliseconds of one stage after the other."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        if name:
            self.laps[name] = round((now - self._last) * 1000, 3)
        self._last = now
