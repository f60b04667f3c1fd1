"""Settings into what the plain packages take: the embedder and the splitter's sizes."""

import hashlib
from functools import lru_cache

from django.conf import settings

from knowledge.embedders import (
    embedder,
    embedder_for,
    fingerprint,
    set_embedder,
    uses_prepared_model,
)
from knowledge.ingestion.splitter import SplitterConfig
from knowledge.ingestion.types import MEBIBYTE, Limits
from knowledge.retrieval.embedder import Embedder
from knowledge.retrieval.reranker import CrossEncoderReranker, Reranker

__all__ = ["embedder", "embedder_for", "fingerprint", "set_embedder", "uses_prepared_model"]


def reranker() -> Reranker | None:
    """The model that ranks passages again, if one is set; loaded at first use."""
    model = settings.RERANKER_MODEL
    return _reranker_of(model, settings.EMBEDDING_DEVICE) if model else None


@lru_cache(maxsize=2)
def _reranker_of(model: str, device: str) -> Reranker:
    return CrossEncoderReranker(model, device)


def splitter_config() -> SplitterConfig:
    """Chunk sizes of the settings, never beyond the model's own window."""
    return splitter_for(embedder(), settings.CHUNK_TOKENS, settings.CHUNK_OVERLAP_TOKENS)


def splitter_for(model: Embedder, chunk_tokens: int, overlap_tokens: int) -> SplitterConfig:
    """These sizes in a model's tokens, never beyond its own window."""
    window = model.max_tokens
    return SplitterConfig(
        chunk_tokens=min(chunk_tokens, window),
        overlap_tokens=min(overlap_tokens, window // 2),
        max_tokens=window,
        counted_by=hashlib.blake2b(model.fingerprint.encode(), digest_size=4).hexdigest(),
    )


def extraction_limits() -> Limits:
    """What the reading of one file, or of one archive, may use."""
    return Limits(
        max_pages=settings.MAX_PAGES,
        memory_bytes=settings.EXTRACTION_MEMORY_MB * MEBIBYTE,
        wall_seconds=float(settings.EXTRACTION_SECONDS),
        max_unpacked_bytes=settings.MAX_UNPACKED_MB * MEBIBYTE,
        max_archive_ratio=settings.MAX_ARCHIVE_RATIO,
        max_archive_members=settings.MAX_ARCHIVE_MEMBERS,
    )
