"""Settings into embedders: today's, and those that earlier releases were built with."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

from django.conf import settings

from knowledge.retrieval.embedder import (
    Embedder,
    LocalEmbedder,
    LocalOptions,
    RemoteEmbedder,
    RemoteOptions,
    Server,
)
from knowledge.retrieval.embedder.known import Spec, recall, remember
from knowledge.retrieval.embedder.prepared import find
from knowledge.retrieval.fingerprints import without_prefix
from knowledge.retrieval.types import EmbedderUnavailable


class _Held:
    """The embedders of this process, each made when it is first asked for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.embedder: Embedder | None = None
        self.is_given = False  # set from outside, not made of the settings
        self.earlier: dict[str, Embedder] = {}


_held = _Held()


def embedder() -> Embedder:
    """The embedder of this process; its model is loaded at first use, not here."""
    with _held.lock:
        if _held.embedder is None:
            _held.embedder = _made(_spec())
        return _held.embedder


def set_embedder(given: Embedder | None) -> None:
    """Use this embedder from now on; None goes back to the one of the settings."""
    with _held.lock:
        _held.embedder = given
        _held.is_given = given is not None


def forget() -> None:
    """Make them anew when they are next asked for; for tests that change the settings."""
    with _held.lock:
        _held.embedder, _held.is_given, _held.earlier = None, False, {}
        _fingerprint_of.cache_clear()


def fingerprint() -> str:
    """``name@hash`` of the embedding model, without loading it.

    Raises:
        EmbedderUnavailable: the model's files are missing or not readable.
    """
    if _held.is_given:
        return embedder().fingerprint
    return _fingerprint_of(_spec())


def embedder_for(model: str) -> Embedder | None:
    """The embedder of a fingerprint: today's, or one that was used before and is still here.

    A release that was built with another model than is set goes on being asked with its own.

    Raises:
        EmbedderUnavailable: today's model cannot be told.
    """
    current = embedder()
    if current.fingerprint == model:
        return current
    with _held.lock:
        if model not in _held.earlier:
            found = _earlier(model)
            if found is None:
                return None
            _held.earlier[model] = found
        return _held.earlier[model]


def uses_prepared_model() -> bool:
    """Whether the settings let a local model be run without torch."""
    return settings.EMBEDDING_RUNTIME != "torch" and settings.EMBEDDING_DEVICE == "cpu"


@lru_cache(maxsize=4)
def _fingerprint_of(spec: Spec) -> str:
    return _made(spec).fingerprint


def _spec() -> Spec:
    """The embedder that the settings describe."""
    spec = Spec(
        provider=settings.EMBEDDING_PROVIDER,
        model=settings.EMBEDDING_MODEL,
        query_prefix=settings.EMBEDDING_QUERY_PREFIX,
        passage_prefix=settings.EMBEDDING_PASSAGE_PREFIX,
    )
    if spec.provider == "local":
        return spec
    return replace(
        spec,
        base_url=settings.EMBEDDING_BASE_URL,
        input_type=settings.EMBEDDING_INPUT_TYPE,
        max_tokens=settings.EMBEDDING_MAX_TOKENS,
    )


def _earlier(model: str) -> Embedder | None:
    spec = recall(settings.MODELS_DIR, model)
    if spec is None:
        return None
    try:
        made = _made(spec, model)
        return made if made.fingerprint == model else None
    except EmbedderUnavailable:
        return None


def _made(spec: Spec, model: str = "") -> Embedder:
    """An embedder; with its fingerprint, of what was prepared of it when it was in use."""
    note = partial(remember, settings.MODELS_DIR, spec=spec)
    if spec.provider == "openai":
        return _remote(spec, note)
    is_prepared = bool(model) and uses_prepared_model()
    return LocalEmbedder(
        spec.model,
        LocalOptions(
            device=settings.EMBEDDING_DEVICE,
            runtime=settings.EMBEDDING_RUNTIME,
            root=settings.MODELS_DIR,
            query_prefix=spec.query_prefix,
            passage_prefix=spec.passage_prefix,
            on_loaded=note,
        ),
        find(settings.MODELS_DIR, without_prefix(model)) if is_prepared else None,
    )


def _remote(spec: Spec, note: Callable[[str], object]) -> Embedder:
    """A model behind a server; the key of the settings goes to the server of the settings only."""
    is_todays = spec.base_url == settings.EMBEDDING_BASE_URL
    return RemoteEmbedder(
        Server(
            model=spec.model,
            base_url=spec.base_url,
            api_key=settings.EMBEDDING_API_KEY if is_todays else "",
            input_type=spec.input_type,
        ),
        RemoteOptions(
            query_prefix=spec.query_prefix,
            passage_prefix=spec.passage_prefix,
            max_tokens=spec.max_tokens,
            root=settings.MODELS_DIR,
            on_loaded=note,
        ),
    )
