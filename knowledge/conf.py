"""Settings into what the plain packages take: the embedder and the splitter's sizes."""

import threading
from functools import lru_cache

from django.conf import settings

from knowledge.ingestion.splitter import SplitterConfig
from knowledge.retrieval.embedder import Embedder, LocalEmbedder, local_fingerprint


class _Held:
    """The one embedder of this process, made when it is first asked for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.embedder: Embedder | None = None
        self.is_given = False  # set from outside, not made of the settings


_held = _Held()


def embedder() -> Embedder:
    """The embedder of this process; its model is loaded at first use, not here."""
    with _held.lock:
        if _held.embedder is None:
            _held.embedder = LocalEmbedder(settings.EMBEDDING_MODEL, settings.EMBEDDING_DEVICE)
        return _held.embedder


def set_embedder(given: Embedder | None) -> None:
    """Use this embedder from now on; None goes back to the one of the settings."""
    with _held.lock:
        _held.embedder = given
        _held.is_given = given is not None


def fingerprint() -> str:
    """``name@hash`` of the embedding model, without loading it.

    Raises:
        EmbedderUnavailable: the model's files are missing or not readable.
    """
    if _held.is_given and _held.embedder is not None:
        return _held.embedder.fingerprint
    return _fingerprint_of(settings.EMBEDDING_MODEL)


@lru_cache(maxsize=4)
def _fingerprint_of(model: str) -> str:
    return local_fingerprint(model)


def splitter_config() -> SplitterConfig:
    """Chunk sizes of the settings, never beyond the model's own window."""
    window = embedder().max_tokens
    return SplitterConfig(
        chunk_tokens=min(settings.CHUNK_TOKENS, window),
        overlap_tokens=min(settings.CHUNK_OVERLAP_TOKENS, window // 2),
        max_tokens=window,
    )
