"""Texts to unit vectors: the Embedder protocol, and the local sentence-transformers model."""

import importlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from knowledge.retrieval.models import (
    BUNDLED,
    BUNDLED_NAMES,
    count_tokens_fast,
    dimension,
    local_fingerprint,
    max_tokens,
    model_folder,
    verify_bundled,
)
from knowledge.retrieval.types import EmbedderUnavailable, Vector, Vectors

__all__ = [
    "Embedder",
    "EmbedderUnavailable",
    "LocalEmbedder",
    "count_tokens_fast",
    "local_fingerprint",
]

_BATCH = 32  # texts; the padding of a batch sorted by length is small, and a query waits for one


class Embedder(Protocol):
    """Texts to vectors of unit length, float32."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), in the order of the texts; (0, dimension) for none."""

    def embed_query(self, text: str) -> Vector:
        """Shape (dimension,)."""

    def count_tokens(self, text: str) -> int:
        """Tokens that the model would see, its special tokens included, without truncation."""


class LocalEmbedder:
    """A sentence-transformers model on this machine, loaded at first use.

    Any number of threads may call it. One thread of its own runs the model, batch by batch in the
    order of arrival, so that a question waits for one batch of a long document and not for all.
    Every method may raise EmbedderUnavailable.
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        self.name = BUNDLED if model in BUNDLED_NAMES else model
        self._model_name = model
        self._device = device
        self._model: Any = None
        self._loading = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")

    @cached_property
    def fingerprint(self) -> str:
        """``name@hash``, known without loading the model."""
        return local_fingerprint(self._model_name)

    @cached_property
    def dimension(self) -> int:
        return dimension(self._model_name)

    @cached_property
    def max_tokens(self) -> int:
        return max_tokens(self._model_name)

    @cached_property
    def _counter(self) -> Callable[[str], int]:
        return count_tokens_fast(self._model_name)

    def count_tokens(self, text: str) -> int:
        """Tokens that the model would see, its special tokens included, without truncation."""
        return self._counter(text)

    def warm_up(self) -> None:
        """Load the model and run it once: the first run allocates what later ones reuse."""
        self.embed_query("warm up")

    def embed_query(self, text: str) -> Vector:
        """Shape (dimension,)."""
        vector: Vector = self.embed_passages([text])[0]
        return vector

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), in the order of the texts; (0, dimension) for none."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for at in range(0, len(texts), _BATCH):
            numbers = by_length[at : at + _BATCH]
            batch = [texts[number] for number in numbers]
            vectors[numbers] = self._worker.submit(self._encode, batch).result()
        if not np.isfinite(vectors).all():
            raise EmbedderUnavailable("The embedding model gave values that are not numbers.")
        return vectors

    def _encode(self, batch: list[str]) -> Vectors:
        encoded = self._loaded().encode(
            batch,
            batch_size=len(batch),
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        vectors: Vectors = np.asarray(encoded, dtype=np.float32)
        return vectors

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                self._model = self._load()
            return self._model

    def _load(self) -> Any:
        verify_bundled(self._model_name)
        try:
            library = importlib.import_module("sentence_transformers")
            importlib.import_module("transformers.utils.logging").disable_progress_bar()
            return library.SentenceTransformer(
                str(model_folder(self._model_name)),
                device=self._device,
                trust_remote_code=False,
                local_files_only=True,
            )
        except (ImportError, OSError, ValueError, RuntimeError, KeyError) as error:
            raise EmbedderUnavailable(
                f"The embedding model {self._model_name!r} does not load ({type(error).__name__})."
            ) from error
