"""The embedding of one version, in turns: others in the queue have theirs in between.

A worker has few places, and a long document takes an hour to embed. So its place is given back
every few seconds, after a batch, and the document goes on behind those that wait. What was done
stays done, after a kill too: its text and its chunks are rows, each vector is a row, and the
version's ``progress`` says that all chunks are there. The file is not read again.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from knowledge.indexing import copying, vectors
from knowledge.indexing.configurations import Tools
from knowledge.indexing.leases import Heartbeat, Step, VersionLease
from knowledge.ingestion import splitter
from knowledge.ingestion.splitter import Piece
from knowledge.models import Chunk, DocumentVersion

EMBED_AT, EMBEDDED_AT = 45, 95  # percent of the whole where embedding begins and ends
_WORTH = 3  # times as long is embedded as was spent on splitting before
_MOST_KEPT = 50_000  # chunks of documents between two turns: 100 MB or so of memory
_SURE_AFTER = 0.02  # share of the work; an estimate from less only jumps about


class TurnOver(Exception):
    """The place in the worker is another's now; the version goes on later."""


@dataclass
class Turn:
    """One claim at work, for ``seconds``; None is a turn without an end."""

    lease: VersionLease
    heartbeat: Heartbeat
    seconds: float | None = None
    _began: float = field(default_factory=monotonic, init=False)
    _ends: float = field(default=math.inf, init=False)

    def begin_embedding(self) -> None:
        """A turn is worth its beginning: what takes long to split again has a longer one."""
        if self.seconds is not None:
            now = monotonic()
            self._ends = max(self._began + self.seconds, now + _WORTH * (now - self._began))

    def is_over(self) -> bool:
        return monotonic() > self._ends


@dataclass(frozen=True)
class Job:
    """What is to be embedded, by content hash, and what the row has to know for another turn.

    ``order`` are the hashes as the chunks have them, one twice where two chunks are alike.
    """

    texts: dict[str, str]
    order: list[str]
    note: dict[str, Any]


def first_job(version: DocumentVersion, pieces: Sequence[Piece], tools: Tools) -> Job:
    """The job of a version that was split just now, and whose chunks are stored."""
    title = version.document.title
    return _job(pieces, {"splitter": tools.splitter.identity, "title": title})


def next_job(turn: Turn, version: DocumentVersion, tools: Tools) -> Job | None:
    """The job of a version that another turn split; None where it is to be read and split.

    What is embedded of a chunk is in no row. Where this process does not know it from the last
    turn, the text is split again, in the same way.
    """
    kept = _kept.take(version.pk)
    note, identity = version.progress, tools.splitter.identity
    if note.get("splitter") != identity:
        return None
    turn.lease.write(step=Step.EMBEDDING, percent=_percent(note["done"], note["total"]))
    job = kept if kept is not None and _is_same(kept.note, note) else _split_again(version, tools)
    turn.heartbeat.check()
    own = Chunk.objects.filter(version=version.pk, splitter=identity).order_by("ordinal")
    if job.order != list(own.values_list("content_hash", flat=True)):
        return None
    return replace(job, note=note)


def embed(turn: Turn, job: Job, tools: Tools) -> None:
    """Embed what has no vector yet: of a file that changed on one page, that page.

    Raises TurnOver after a batch, LeaseLost, EmbedderUnavailable.
    """
    turn.begin_embedding()
    absent = vectors.missing(list(job.texts), tools.embedder.fingerprint)
    total = len(job.texts)
    pace = _Pace(job.note, total, total - len(absent))

    def on_batch(count: int) -> None:
        turn.heartbeat.check()
        pace.advance(count)
        turn.lease.write(percent=_percent(pace.done, total), progress=pace.note)

    for part in vectors.batched(absent, vectors.BATCH):
        vectors.fill({key: job.texts[key] for key in part}, tools.embedder, on_batch)
        if turn.is_over() and pace.done < total:
            _kept.keep(turn.lease.version_id, job)
            raise TurnOver


def seconds_left(progress: dict[str, Any]) -> int | None:
    """What is left of a version's embedding at its own pace; None until that says something."""
    if "spent" not in progress:
        return None
    total, first = int(progress["total"]), int(progress["from"])
    made, left = int(progress["done"]) - first, total - int(progress["done"])
    if made <= 0 or made < _SURE_AFTER * (total - first):
        return None
    return max(0, round(float(progress["spent"]) * left / made))


class _Pace:
    """How far it is, and in how many seconds of work; the pauses between turns do not count."""

    def __init__(self, note: dict[str, Any], total: int, done: int) -> None:
        self.done = done
        self._first, self._spent = int(note.get("from", done)), float(note.get("spent", 0.0))
        if self._first > done or note.get("total") != total:  # another model, or a new beginning
            self._first, self._spent = done, 0.0
        self._began = monotonic()
        self.note = {**note, "total": total, "from": self._first}

    def advance(self, count: int) -> None:
        self.done += count
        spent = round(self._spent + monotonic() - self._began, 3)
        self.note = {**self.note, "done": self.done, "spent": spent}


def _percent(done: int, total: int) -> int:
    return EMBED_AT + (EMBEDDED_AT - EMBED_AT) * done // total


def _split_again(version: DocumentVersion, tools: Tools) -> Job:
    note, extracted = version.progress, copying.extracted_of(version)
    count = tools.embedder.count_tokens
    return _job(splitter.split(extracted, str(note["title"]), tools.splitter, count), note)


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("splitter", "title"))


def _job(pieces: Sequence[Piece], note: dict[str, Any]) -> Job:
    texts = {piece.content_hash: piece.embedded_text for piece in pieces}
    return Job(texts, [piece.content_hash for piece in pieces], note)


class _Kept:
    """What this process split a moment ago and goes on with soon; the oldest goes first."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()

    def take(self, version_id: int) -> Job | None:
        with self._lock:
            return self._jobs.pop(version_id, None)

    def keep(self, version_id: int, job: Job) -> None:
        with self._lock:
            self._jobs[version_id] = job
            while sum(len(one.order) for one in self._jobs.values()) > _MOST_KEPT:
                del self._jobs[next(iter(self._jobs))]


_kept = _Kept()
