"""Found passages ranked once more by a model that reads question and passage together.

A cross-encoder is better than a comparison of vectors and a hundred times as slow, so it sees only
the first passages, for a limited time, one question after the other.
"""

import importlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from typing import Any, Protocol

import numpy as np

from knowledge.retrieval.models import model_folder
from knowledge.retrieval.types import EmbedderUnavailable, RetrievalError

DEPTH = 20  # passages that are ranked again
_BATCH = 4  # pairs: small, so that a call that is late stops soon
_WINDOW = 512  # tokens of question and passage together: a passage and a long question
_RETRY_SECONDS = 60.0  # after a load that failed: it may have cost seconds


class RerankerUnavailable(RetrievalError):
    """The reranking model cannot be used; the message says which."""


class Reranker(Protocol):
    """How well passages answer a question, the higher the better."""

    @property
    def name(self) -> str: ...

    def scores(self, query: str, passages: Sequence[str], seconds: float) -> list[float] | None:
        """One score a passage, in their order; None where it did not get done in time.

        Raises RerankerUnavailable.
        """


class CrossEncoderReranker:
    """A sentence-transformers cross-encoder on this machine, loaded at first use.

    Any number of threads may call it; one runs the model. A call that is late is broken off after
    the batch at hand, so that the next one does not wait for work that nobody wants any more.
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        self.name = model
        self._device = device
        self._model: Any = None
        self._failed: tuple[float, RerankerUnavailable] | None = None
        self._loading = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reranker")

    def scores(self, query: str, passages: Sequence[str], seconds: float) -> list[float] | None:
        """One score a passage, 0..1 for models with one output; None after so many seconds.

        Raises RerankerUnavailable.
        """
        if not passages:
            return []
        until = time.monotonic() + seconds
        running: Future[list[float] | None] = self._worker.submit(
            self._scores, query, list(passages), until
        )
        try:
            return running.result(timeout=seconds)
        except WaitedTooLong:
            running.cancel()
            return None

    def warm_up(self) -> None:
        """Load the model; the first load takes longer than a question waits."""
        self._loaded()

    def _scores(self, query: str, passages: list[str], until: float) -> list[float] | None:
        model = self._loaded()
        found: list[float] = []
        for at in range(0, len(passages), _BATCH):
            if time.monotonic() > until:
                return None
            pairs = [(query, passage) for passage in passages[at : at + _BATCH]]
            found.extend(_one_score_each(model.predict(pairs, show_progress_bar=False)))
        if not np.isfinite(found).all():
            raise RerankerUnavailable("The reranking model gave values that are not numbers.")
        return found

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is not None:
                return self._model
            if self._failed and time.monotonic() - self._failed[0] < _RETRY_SECONDS:
                raise self._failed[1]
            try:
                self._model = self._load()
            except RerankerUnavailable as error:
                self._failed = (time.monotonic(), error)
                raise
            return self._model

    def _load(self) -> Any:
        try:
            folder = model_folder(self.name)
            library = importlib.import_module("sentence_transformers")
            importlib.import_module("transformers.utils.logging").disable_progress_bar()
            model = library.CrossEncoder(
                str(folder), device=self._device, trust_remote_code=False, local_files_only=True
            )
        except EmbedderUnavailable as error:
            raise RerankerUnavailable(
                f"The reranking model {self.name!r} is not on this machine."
            ) from error
        except (ImportError, OSError, ValueError, RuntimeError, KeyError) as error:
            raise RerankerUnavailable(
                f"The reranking model {self.name!r} does not load ({type(error).__name__})."
            ) from error
        model.max_seq_length = min(model.max_seq_length or _WINDOW, _WINDOW)
        return model


def _one_score_each(output: Any) -> list[float]:
    """A model with several classes says in the last one how well the passage fits."""
    values = np.asarray(output, dtype=np.float64)
    return [float(value) for value in (values[:, -1] if values.ndim > 1 else values)]


def order(scores: Sequence[float]) -> list[int]:
    """Positions, best score first; equal scores keep their order."""
    return sorted(range(len(scores)), key=lambda at: -scores[at])
