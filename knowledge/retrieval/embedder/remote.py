"""A model behind an OpenAI-compatible server: OpenAI itself, NVIDIA NIM and others."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from knowledge.retrieval.embedder.calls import (
    FOR_PASSAGES,
    FOR_QUERIES,
    Calls,
    Kind,
    Patience,
    Server,
)
from knowledge.retrieval.embedder.estimate import SPECIAL_TOKENS, cut, estimate_tokens
from knowledge.retrieval.fingerprints import with_prefix
from knowledge.retrieval.jsonfiles import read_json, write_json
from knowledge.retrieval.types import EmbedderRefused, EmbedderUnavailable, Vector, Vectors
from knowledge.retrieval.units import unit

logger = logging.getLogger(__name__)

# Some servers take no more than 32 texts, and one request must not be worth a long wait.
MOST_TEXTS = 32
MOST_TOKENS = 16_000  # of one request, as estimated
DIMENSIONS = "dimensions.json"


@dataclass(frozen=True)
class RemoteOptions:
    """How a remote model is used.

    Attributes:
        query_prefix: put before each question, as ``passage_prefix`` before each passage.
        max_tokens: its window; longer texts are cut here.
        root: where the dimension is noted, which the server is asked for once.
        passages: how patiently passages are embedded, as ``queries`` says of questions.
        on_loaded: called once with the fingerprint, when vectors have come.
    """

    query_prefix: str = ""
    passage_prefix: str = ""
    max_tokens: int = 512
    root: Path | None = None
    passages: Patience = FOR_PASSAGES
    queries: Patience = FOR_QUERIES
    on_loaded: Callable[[str], object] = str  # nothing


class RemoteEmbedder:
    """Vectors of unit length from a server. Every method may raise EmbedderUnavailable."""

    metric = "cosine"
    parallel_queries = 4  # a request is mostly waiting

    def __init__(self, server: Server, options: RemoteOptions | None = None) -> None:
        self.name = server.model
        self._server = server
        self._options = options or RemoteOptions()
        self._calls = Calls(server)
        self._lock = threading.Lock()
        self._dimension: int | None = None
        self._is_loaded = False

    @cached_property
    def fingerprint(self) -> str:
        """Model, server and what is put before passages: all that one can know of its vectors."""
        said = self._server.input_type
        mark = "" if said == "auto" else f"\ninput_type={said}"
        return with_prefix(f"{self._server.model}@{self._server.place}", self.passage_prefix + mark)

    @property
    def dimension(self) -> int:
        """The length of its vectors: noted when it was first seen, asked for if it never was."""
        if self._dimension is None:
            self._dimension = self._noted()
        if self._dimension is None:
            self._embed(["dimension"], "passage", self._options.passages)
        if self._dimension is None:
            raise EmbedderUnavailable("The embedding server gave no vector.")
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """The model's window without the passage's prefix."""
        return self._options.max_tokens - self._taken(self.passage_prefix)

    @property
    def query_prefix(self) -> str:
        """What is put before each question."""
        return self._options.query_prefix

    @property
    def passage_prefix(self) -> str:
        """What is put before each passage."""
        return self._options.passage_prefix

    def count_tokens(self, text: str) -> int:
        """An upper estimate of the tokens that the model would see."""
        return estimate_tokens(text)

    def embed_query(self, text: str) -> Vector:
        """Shape (dimension,)."""
        vector: Vector = self.embed_queries([text])[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), in the order of the texts; (0, dimension) for none."""
        return self._embed(texts, "query", self._options.queries)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), in the order of the texts; (0, dimension) for none."""
        return self._embed(texts, "passage", self._options.passages)

    def _embed(self, texts: Sequence[str], kind: Kind, patience: Patience) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        prefix = self.query_prefix if kind == "query" else self.passage_prefix
        most = self._options.max_tokens - self._taken(prefix)
        asked = [prefix + _sendable(cut(text, most)) for text in texts]
        found = [self._calls.embed(batch, kind, patience) for batch in _batches(asked)]
        for vectors in found:
            self._check(vectors.shape[1])
        return unit(np.concatenate(found))

    def _taken(self, prefix: str) -> int:
        return estimate_tokens(prefix) - SPECIAL_TOKENS

    def _check(self, dimension: int) -> None:
        """Hold a vector's length against the one seen first."""
        with self._lock:
            known = self._dimension or self._noted()
            if known is None:
                self._note(dimension)
            elif known != dimension:
                raise EmbedderRefused(
                    f"The embedding server gives vectors of {dimension} numbers, not {known} as "
                    f"before: it serves another model as {self.name!r}. Have it serve that one "
                    "under a name of its own, and set EMBEDDING_MODEL to it."
                )
            self._dimension = dimension
            if not self._is_loaded:
                self._is_loaded = True
                self._options.on_loaded(self.fingerprint)

    def _noted(self) -> int | None:
        if self._options.root is None:
            return None
        try:
            said = read_json(self._options.root / DIMENSIONS).get(self.fingerprint)
        except EmbedderUnavailable:
            return None
        return said if isinstance(said, int) and said > 0 else None

    def _note(self, dimension: int) -> None:
        if self._options.root is None:
            return
        file = self._options.root / DIMENSIONS
        try:
            write_json(file, {**read_json(file), self.fingerprint: dimension})
        except (OSError, EmbedderUnavailable) as error:
            logger.warning("the dimension is not noted: %s", type(error).__name__)


def _sendable(text: str) -> str:
    """Without half characters, which JSON cannot carry; not empty, which some servers refuse."""
    return text.encode("utf-8", "replace").decode() or " "


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in their order, as many in one request as servers take."""
    batch: list[str] = []
    tokens = 0
    for text in texts:
        cost = estimate_tokens(text)
        if batch and (len(batch) == MOST_TEXTS or tokens + cost > MOST_TOKENS):
            yield batch
            batch, tokens = [], 0
        batch.append(text)
        tokens += cost
    if batch:
        yield batch
