"""The vector of a question: embedded two at a time, and remembered for a while."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence

from knowledge import conf
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.retrieval.types import Vector, Vectors
from knowledge.search.turnstile import Turnstile

logger = logging.getLogger(__name__)

_REMEMBERED = 256  # vectors of 1.5 kB: paging and retries ask the same again

embedding_turns = Turnstile(2)  # more at a time only slow each other on the same cores


class _Recent:
    """The last vectors, by model and question; the least recently used one goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._vectors: OrderedDict[tuple[str, str], Vector] = OrderedDict()

    def get(self, key: tuple[str, str]) -> Vector | None:
        with self._lock:
            if key in self._vectors:
                self._vectors.move_to_end(key)
            return self._vectors.get(key)

    def put(self, key: tuple[str, str], vector: Vector) -> None:
        with self._lock:
            self._vectors[key] = vector
            self._vectors.move_to_end(key)
            while len(self._vectors) > self._size:
                self._vectors.popitem(last=False)


_recent = _Recent(_REMEMBERED)


def query_vector(query: str, model: str) -> Vector | None:
    """The vector of a question for a build of this model; None where words alone must do.

    A build is never asked with another model than its own: their spaces have nothing in common.
    """
    vector = _recent.get((model, query))
    if vector is not None:
        return vector
    try:
        if conf.fingerprint() != model:
            logger.warning("the index was built with another embedding model than is set")
            return None
        with embedding_turns.turn():
            vector = conf.embedder().embed_query(query)
    except EmbedderUnavailable:
        logger.exception("the question is not embedded: the model is not available")
        return None
    _recent.put((model, query), vector)
    return vector


def embed(texts: Sequence[str]) -> Vectors:
    """Unit vectors of some texts, shape (n, d), float32.

    Raises:
        EmbedderUnavailable: the model cannot be loaded.
    """
    with embedding_turns.turn():
        return conf.embedder().embed_passages(texts)
