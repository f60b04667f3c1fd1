"""The path by sentence-transformers: any model and device, at the cost of torch."""

import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from knowledge.retrieval.models import model_folder, verify_bundled
from knowledge.retrieval.types import EmbedderUnavailable, Vectors

_BATCH = 32  # texts; the padding of a batch sorted by length is small, and a query waits for one


class TorchEncoder:
    """One thread runs the model, batch by batch in the order of arrival.

    So a question waits for one batch of a long document and not for all.
    """

    runtime = "torch"

    def __init__(self, model: Any) -> None:
        self._model = model
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")

    @classmethod
    def load(cls, model: str, device: str) -> "TorchEncoder":
        """Import torch and read the weights; raises EmbedderUnavailable."""
        verify_bundled(model)
        try:
            library = importlib.import_module("sentence_transformers")
            importlib.import_module("transformers.utils.logging").disable_progress_bar()
            loaded = library.SentenceTransformer(
                str(model_folder(model)),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
            )
        except Exception as error:  # each library below raises errors of its own
            raise EmbedderUnavailable(
                f"The embedding model {model!r} does not load ({type(error).__name__})."
            ) from error
        return cls(loaded)

    def encode(self, texts: Sequence[str], prefix: str = "") -> Vectors:
        """Vectors of the model's own length, shape (n, dimension), in the order of the texts."""
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        parts = [order[at : at + _BATCH] for at in range(0, len(order), _BATCH)]
        batches = [[texts[number] for number in part] for part in parts]
        vectors = [self._worker.submit(self._run, batch, prefix).result() for batch in batches]
        joined: Vectors = np.empty_like(np.concatenate(vectors))
        joined[order] = np.concatenate(vectors)
        return joined

    def _run(self, batch: list[str], prefix: str) -> Vectors:
        encoded = self._model.encode(
            batch,
            prompt=prefix,  # an empty one too: else the model's default would be taken
            batch_size=len(batch),
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        vectors: Vectors = np.asarray(encoded, dtype=np.float32)
        return vectors
