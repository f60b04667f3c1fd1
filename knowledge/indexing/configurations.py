"""Named configurations: what a release was split, embedded and is searched with."""

from dataclasses import dataclass

from django.conf import settings

from knowledge import conf
from knowledge.ingestion.splitter import SplitterConfig
from knowledge.models import IndexBuild, IndexConfiguration
from knowledge.retrieval.embedder import Embedder, EmbedderUnavailable


@dataclass(frozen=True)
class Tools:
    """What makes chunks and vectors as a configuration says."""

    configuration: IndexConfiguration
    embedder: Embedder
    splitter: SplitterConfig


def wanted() -> IndexConfiguration:
    """The configuration of the settings, made when it is first seen.

    Raises:
        EmbedderUnavailable: the model is not there, so that nobody can say what it would be.
    """
    splitter = conf.splitter_config()
    model = conf.fingerprint()
    known = {"embedding_model": model, "splitter": splitter.identity, "top_k": settings.TOP_K}
    found = IndexConfiguration.objects.filter(**known).first()
    if found is not None:
        return found
    sizes = {
        "chunk_tokens": splitter.chunk_tokens,
        "chunk_overlap_tokens": splitter.overlap_tokens,
    }
    name = _free_name(model, splitter)
    made, _ = IndexConfiguration.objects.get_or_create(**known, defaults={**sizes, "name": name})
    return made


def wanted_if_known() -> IndexConfiguration | None:
    """The same; None where the model is not there."""
    try:
        return wanted()
    except EmbedderUnavailable:
        return None


def _free_name(model: str, splitter: SplitterConfig) -> str:
    """A readable name that none has yet; staff may change it."""
    plain = model.partition("@")[0][-50:]
    sizes = f"{splitter.chunk_tokens}/{splitter.overlap_tokens} tokens"
    name = f"{plain}, {sizes}, {settings.TOP_K} passages"
    taken = set(
        IndexConfiguration.objects.filter(name__startswith=name).values_list("name", flat=True)
    )
    number = 2
    free = name
    while free in taken:
        free = f"{name} ({number})"
        number += 1
    return free


def is_same_content(build: IndexBuild, configuration: IndexConfiguration) -> bool:
    """Whether a release holds what this configuration would put into it, in the same engine."""
    own = build.configuration
    return (
        own is not None
        and own.embedding_model == configuration.embedding_model
        and own.splitter == configuration.splitter
        and build.engine == settings.VECTOR_INDEX
    )


def tools_of(configuration: IndexConfiguration) -> Tools:
    """What makes chunks and vectors as this configuration says.

    Raises:
        EmbedderUnavailable: its model is not there any more, or this version of the product
            splits in another way.
    """
    embedder = _embedder_of(configuration.embedding_model)
    splitter = conf.splitter_for(
        embedder, configuration.chunk_tokens, configuration.chunk_overlap_tokens
    )
    if splitter.identity != configuration.splitter:
        raise EmbedderUnavailable(f"Texts cannot be split any more as {configuration.name} did.")
    return Tools(configuration, embedder, splitter)


def _embedder_of(fingerprint: str) -> Embedder:
    found = conf.embedder_for(fingerprint)
    if found is None:
        raise EmbedderUnavailable(f"The embedding model {fingerprint} is not there any more.")
    return found


def is_usable(configuration: IndexConfiguration | None) -> bool:
    """Whether new documents can be brought into a release of this configuration."""
    try:
        return configuration is not None and tools_of(configuration) is not None
    except EmbedderUnavailable:
        return False
