"""Vectors in rows: each content is embedded once for a model, whoever asks for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from django.db import transaction

from knowledge.models import Embedding
from knowledge.retrieval.embedder import Embedder
from knowledge.retrieval.types import Vector

BATCH = 64  # texts embedded between two looks at the lease: one to three seconds of work
ROWS = 500  # rows in one transaction

T = TypeVar("T")


def stored(hashes: Sequence[str], fingerprint: str) -> dict[str, Vector]:
    """The vectors that are there, by content hash; at most ROWS hashes at a time."""
    rows = Embedding.objects.filter(model=fingerprint, content_hash__in=hashes)
    return {
        content_hash: np.frombuffer(vector, dtype="<f4")
        for content_hash, vector in rows.values_list("content_hash", "vector")
    }


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Slices of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def missing(hashes: Sequence[str], fingerprint: str) -> list[str]:
    """The hashes, each once and in order, that have no vector of this model."""
    absent: list[str] = []
    for part in batched(list(dict.fromkeys(hashes)), ROWS):
        known = set(
            Embedding.objects.filter(model=fingerprint, content_hash__in=part).values_list(
                "content_hash", flat=True
            )
        )
        absent.extend(content_hash for content_hash in part if content_hash not in known)
    return absent


def fill(texts: Mapping[str, str], embedder: Embedder, on_batch: Callable[[int], None]) -> None:
    """Embed and store texts by content hash.

    Args:
        texts: what to embed, by the hash that becomes its key.
        embedder: its fingerprint goes with each vector.
        on_batch: called inside each batch's transaction with the number of vectors stored so
            far; it renews the lease, and raising there stores nothing of the batch.
    """
    done = 0
    for part in batched(list(texts), BATCH):
        vectors = embedder.embed_passages([texts[content_hash] for content_hash in part])
        rows = [
            Embedding(
                content_hash=content_hash,
                model=embedder.fingerprint,
                dimension=embedder.dimension,
                vector=np.asarray(vector, dtype="<f4").tobytes(),
            )
            for content_hash, vector in zip(part, vectors, strict=True)
        ]
        done += len(part)
        with transaction.atomic():
            on_batch(done)
            Embedding.objects.bulk_create(rows, ignore_conflicts=True)
