"""The vectors of questions: embedded together, remembered, and never waited for long.

Who is late or fails is left out: the words of a question find passages too.
"""

import logging
import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from time import monotonic
from typing import Literal

import numpy as np
from django.conf import settings

from knowledge import conf
from knowledge.retrieval.embedder import Embedder, EmbedderUnavailable
from knowledge.retrieval.types import Vector, Vectors
from knowledge.search.circuit import Circuit
from knowledge.search.query_line import QueryLine
from knowledge.search.remembered import Remembered
from knowledge.search.turnstile import Turnstile

logger = logging.getLogger(__name__)

State = Literal["ok", "loading", "down"]
Pending = Callable[[], Vectors | None]  # waits for vectors that are being made

# About 4,000 questions of 384 numbers: paging, retries and follow-ups ask the same again.
_REMEMBERED_BYTES = 8 * 1024 * 1024
# The first question of a process waits for the model, which loads in less than a second when it
# is prepared. Later ones, while a slow model is still loading, do not wait at all.
COLD_SECONDS = 3.0

embedding_turns = Turnstile(2)  # more at a time only slow each other on the same cores


class _Asked:
    """An embedder with its queue, its memory and its switch."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.remembered = Remembered(_REMEMBERED_BYTES)
        self.circuit = Circuit(self._probe, "the embedding of questions")
        self._line = QueryLine(self._run, embedder.parallel_queries)
        self._is_warm = False
        self._cold_since: float | None = None

    @property
    def state(self) -> State:
        if self.circuit.is_open:
            return "down"
        return "loading" if self._cold_since is not None and not self._is_warm else "ok"

    def begin(self, questions: Sequence[str]) -> Pending:
        """Begin to embed; what comes back waits for the vectors, or for None where they are late.

        The time to wait counts from now on, whenever it is called.
        """
        if not questions:
            return lambda: np.zeros((0, 0), dtype=np.float32)
        known = self.remembered.get(questions)
        missing = [each for each in dict.fromkeys(questions) if each not in known]
        if not missing:
            return lambda: np.stack([known[each] for each in questions])
        seconds, began = self._patience(), monotonic()
        if self.circuit.is_open or seconds <= 0:
            return lambda: None
        future = self._line.ask(missing)

        def finish() -> Vectors | None:
            found = self._embedded(future, seconds, began)
            if found is None:
                return None
            every = known | dict(zip(missing, found, strict=True))
            return np.stack([every[each] for each in questions])

        return finish

    def _embedded(self, future: "Future[Vectors]", seconds: float, began: float) -> Vectors | None:
        try:
            found = self._wait(future, max(0.0, began + seconds - monotonic()))
        except EmbedderUnavailable as error:
            self.circuit.fail(str(error), began)
        except TimeoutError:
            self.circuit.fail(f"no answer within {seconds * 1000:.0f} ms", began)
        else:
            self.circuit.succeed()
            return found
        return None

    def _wait(self, future: "Future[Vectors]", seconds: float) -> Vectors:
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.cancel():  # it had not begun, and nobody needs it
                self._cold_since = None
            raise
        except EmbedderUnavailable:
            raise
        except Exception as error:  # edge: a model's own faults, which the line has logged
            raise EmbedderUnavailable(
                f"The embedding model failed ({type(error).__name__})."
            ) from error

    def _run(self, texts: Sequence[str]) -> Vectors:
        """In the line's thread: remember what comes, also too late for who asked."""
        try:
            vectors = self.embedder.embed_queries(texts)
        except Exception:  # whatever it is, the next question may try to load the model again
            self._cold_since = None
            raise
        self._is_warm = True
        for text, vector in zip(texts, vectors, strict=False):
            self.remembered.put(text, vector)
        return vectors

    def _patience(self) -> float:
        """Seconds that a question waits."""
        timeout = settings.QUERY_EMBEDDING_TIMEOUT_MS / 1000
        if self._is_warm:
            return timeout
        if self._cold_since is None:
            self._cold_since = monotonic()
        left = self._cold_since + max(COLD_SECONDS, timeout) - monotonic()
        return max(left, 0.0)

    def _probe(self) -> bool:
        try:
            self._wait(self._line.ask(["probe"]), settings.QUERY_EMBEDDING_TIMEOUT_MS / 1000)
        except (EmbedderUnavailable, TimeoutError):
            return False
        return True


class _Desk:
    """One ``_Asked`` for each embedder that questions are put to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, _Asked] = {}

    def of(self, embedder: Embedder) -> _Asked:
        fingerprint = embedder.fingerprint
        with self._lock:
            asked = self._asked.get(fingerprint)
            if asked is None or asked.embedder is not embedder:
                if asked is not None:
                    asked.circuit.end()
                asked = self._asked[fingerprint] = _Asked(embedder)
            return asked

    def known(self, embedder: Embedder) -> _Asked | None:
        with self._lock:
            return self._asked.get(embedder.fingerprint)


_desk = _Desk()


def query_vector(query: str, model: str) -> Vector | None:
    """The vector of a question for a build of this model; None where words alone must do."""
    vectors = query_vectors([query], model)
    return None if vectors is None else vectors[0]


def query_vectors(queries: Sequence[str], model: str) -> Vectors | None:
    """The vectors of some wordings, shape (n, dimension), embedded in one batch; None as below."""
    return begin_vectors(queries, model)()


def begin_vectors(queries: Sequence[str], model: str) -> Pending:
    """Begin to embed some wordings in one batch; there is other work to do meanwhile.

    A build is never asked with another model than its own: their spaces have nothing in common.
    None where the model is missing, fails, or does not answer within
    ``QUERY_EMBEDDING_TIMEOUT_MS``.
    """
    try:
        embedder = conf.embedder_for(model)
    except EmbedderUnavailable:
        logger.exception("the question is not embedded: the model is not available")
        return lambda: None
    if embedder is None:
        logger.warning("the index was built with another embedding model than is set")
        return lambda: None
    return _desk.of(embedder).begin([_normal(query) for query in queries])


def embed(texts: Sequence[str]) -> Vectors:
    """Unit vectors of some short texts, to be compared with one another; shape (n, d), float32.

    Raises:
        EmbedderUnavailable: the model cannot be used, or is known to fail at present.
    """
    embedder = conf.embedder()
    asked = _desk.known(embedder)
    if asked is not None and asked.circuit.is_open:
        raise EmbedderUnavailable("The embedding model does not answer at present.")
    with embedding_turns.turn():
        vectors = embedder.embed_queries(texts)
    if embedder.metric == "cosine" or not len(vectors):
        return vectors
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def state(model: str) -> State:
    """How the questions to releases of a model fare in this process; nothing is loaded for it.

    Raises:
        EmbedderUnavailable: today's model cannot be told.
    """
    embedder = conf.embedder_for(model)
    asked = _desk.known(embedder) if embedder is not None else None
    return "ok" if asked is None else asked.state


def _normal(query: str) -> str:
    """Without what makes no difference to who asks, and without half characters."""
    whole = query.encode("utf-8", "replace").decode()
    return " ".join(unicodedata.normalize("NFC", whole).split())
