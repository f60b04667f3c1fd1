"""A sentence-transformers model on this machine, run by onnxruntime where that is equal."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from knowledge.retrieval.embedder import prepared
from knowledge.retrieval.embedder.onnx_encoder import OnnxEncoder
from knowledge.retrieval.embedder.prepared import TOKENIZER, Prepared
from knowledge.retrieval.embedder.tokens import Tokens
from knowledge.retrieval.embedder.torch_encoder import TorchEncoder
from knowledge.retrieval.fingerprints import with_prefix
from knowledge.retrieval.models import (
    BUNDLED,
    BUNDLED_NAMES,
    local_fingerprint,
    recipe_of,
    tokenizer_file,
)
from knowledge.retrieval.recipes import Recipe
from knowledge.retrieval.types import EmbedderUnavailable, Vector, Vectors
from knowledge.retrieval.units import unit

logger = logging.getLogger(__name__)


class Encoder(Protocol):
    """A loaded model."""

    runtime: str

    def encode(self, texts: Sequence[str], prefix: str = "") -> Vectors:
        """Vectors of the model's own length, shape (n, dimension), in the order of the texts."""


@dataclass(frozen=True)
class LocalOptions:
    """How a local model is run.

    Attributes:
        device: ``cpu``, or torch's name of another.
        runtime: ``onnx`` refuses to go by torch; ``auto`` goes by torch where it must.
        root: the folder of prepared models; without one torch runs the model.
        query_prefix: instead of the model's own, as is ``passage_prefix``.
        threads: passages are embedded, and a question is, by so many threads.
        on_loaded: called once with the fingerprint, when the model has been loaded.
    """

    device: str = "cpu"
    runtime: str = "auto"
    root: Path | None = None
    query_prefix: str = ""
    passage_prefix: str = ""
    threads: int = min(2, os.cpu_count() or 1)
    on_loaded: Callable[[str], object] = str  # nothing


class LocalEmbedder:
    """A model of this machine, loaded at first use. Every method may raise EmbedderUnavailable.

    Args:
        model: its name or folder.
        options: how it is run.
        made: the same model prepared earlier, where its own folder may be gone or changed.
    """

    parallel_queries = 1  # a run of several questions costs less than two runs side by side

    def __init__(
        self, model: str, options: LocalOptions | None = None, made: Prepared | None = None
    ) -> None:
        self.name = BUNDLED if model in BUNDLED_NAMES else model
        self._model_name = model
        self._options = options or LocalOptions()
        self._made = made
        # By whether it is for questions: a process has the one it needs, seldom both.
        self._encoders: dict[bool, Encoder] = {}
        self._loading = threading.Lock()

    @cached_property
    def _weights(self) -> str:
        """``name@hash``, which the prepared model is filed under."""
        return self._made.fingerprint if self._made else local_fingerprint(self._model_name)

    @cached_property
    def _recipe(self) -> Recipe:
        return self._made.recipe if self._made else recipe_of(self._model_name)

    @cached_property
    def fingerprint(self) -> str:
        """``name@hash``, known without loading the model."""
        return with_prefix(self._weights, self.passage_prefix)

    @property
    def dimension(self) -> int:
        """The length of its vectors."""
        return self._recipe.dimension

    @property
    def metric(self) -> str:
        """``cosine`` or ``dot``."""
        return self._recipe.metric

    @property
    def query_prefix(self) -> str:
        """What is put before each question."""
        return self._options.query_prefix or self._recipe.query_prompt

    @property
    def passage_prefix(self) -> str:
        """What is put before each passage."""
        return self._options.passage_prefix or self._recipe.passage_prompt

    @cached_property
    def max_tokens(self) -> int:
        """The model's window without the passage's prefix: what is behind it would not be seen."""
        prefix = self.passage_prefix
        taken = self._tokens.count(prefix) - self._tokens.specials if prefix else 0
        return self._recipe.max_tokens - taken

    @cached_property
    def _tokens(self) -> Tokens:
        """A tokenizer that the loaded model shares, where it has one."""
        for encoder in self._encoders.values():
            if isinstance(encoder, OnnxEncoder):
                return encoder.tokens
        made = self._made
        return Tokens.load(
            made.folder / TOKENIZER if made else tokenizer_file(self._model_name),
            max_tokens=self._recipe.max_tokens,
            lowercases=self._recipe.lowercases,
        )

    def count_tokens(self, text: str) -> int:
        """Tokens that the model would see, its special tokens included, without truncation."""
        return self._tokens.count(text)

    @cached_property
    def special_tokens(self) -> int:
        """How many of them the model adds to each text."""
        return self._tokens.specials

    @property
    def runtime(self) -> str:
        """What runs the model, which is loaded if it is not: ``onnx`` or ``torch``."""
        loaded = self._encoders.get(True) or self._loaded()
        return loaded.runtime

    def embed_query(self, text: str) -> Vector:
        """Shape (dimension,)."""
        vector: Vector = self.embed_queries([text])[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), in the order of the texts; (0, dimension) for none."""
        return self._embed(texts, self.query_prefix, asks=True)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (n, dimension), in the order of the texts; (0, dimension) for none."""
        return self._embed(texts, self.passage_prefix)

    def _embed(self, texts: Sequence[str], prefix: str, *, asks: bool = False) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = self._loaded(asks=asks).encode(texts, prefix)
        if not np.isfinite(vectors).all():
            raise EmbedderUnavailable("The embedding model gave values that are not numbers.")
        return vectors if self.metric == "dot" else unit(vectors)

    def _loaded(self, *, asks: bool = False) -> Encoder:
        found = self._encoders.get(asks)
        if found is None:
            with self._loading:
                found = self._encoders.get(asks)
                if found is None:
                    is_first = not self._encoders
                    found = self._encoders[asks] = self._load(asks=asks)
                    if is_first:
                        self._options.on_loaded(self.fingerprint)
        return found

    def _load(self, *, asks: bool) -> Encoder:
        options = self._options
        other = self._encoders.get(not asks)
        if other is not None and not isinstance(other, OnnxEncoder):
            return other
        if options.runtime != "torch" and options.device == "cpu" and options.root is not None:
            encoder = self._load_onnx(options.root, spread=options.threads if asks else 1)
            if encoder is not None:
                return encoder
        if options.runtime == "onnx":
            raise EmbedderUnavailable(
                f"The embedding model {self.name!r} cannot be run by onnxruntime. "
                "Set EMBEDDING_RUNTIME to auto or torch."
            )
        return TorchEncoder.load(self._model_name, options.device)

    def _load_onnx(self, root: Path, spread: int) -> Encoder | None:
        made = self._made or prepared.ensure(root, self._model_name)
        if made is None:
            return None
        try:
            return OnnxEncoder.open(made, self._recipe, self._options.threads, spread)
        except EmbedderUnavailable:
            logger.exception("the prepared model is not used")
            return None
