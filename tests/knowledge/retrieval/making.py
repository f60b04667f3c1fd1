"""Small indexes, made of texts and a discriminating fake embedder."""

from pathlib import Path
from uuid import UUID

import numpy as np

from knowledge.retrieval.backends.files import FileIndex, IndexRow, build
from tests.fakes import BagOfWordsEmbedder

EMBEDDER = BagOfWordsEmbedder()
COMMON = ["leave", "sick", "pay", "pension", "desk", "travel", "training", "lunch"]


def rows(texts, documents=None, title="", embedder=EMBEDDER):
    """One row a text; each its own document, numbered from 1, unless told."""
    vectors = embedder.embed_passages(list(texts))
    numbers = documents or range(1, len(texts) + 1)
    return [
        IndexRow(UUID(int=at + 1), number, number * 10, title, "", text, vector)
        for at, (number, text, vector) in enumerate(zip(numbers, texts, vectors, strict=True))
    ]


def index(folder: Path, texts, documents=None, title="", embedder=EMBEDDER) -> FileIndex:
    made = rows(texts, documents, title, embedder)
    build(folder / "build", made, embedder.dimension, {})
    return FileIndex.open(folder / "build", verify=True)


def scattered(count: int, *, dimension=64, per_document=4, seed=7, first=1) -> list[IndexRow]:
    """Rows with vectors round some centres, as real ones lie, and words that repeat.

    ``first`` numbers the first document; its chunks and versions follow from it.
    """
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(12, dimension))
    vectors = centres[chance.integers(0, 12, count)] + 0.7 * chance.normal(size=(count, dimension))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    made = []
    for at, vector in enumerate(vectors):
        number = first + at // per_document
        text = f"{' '.join(chance.choice(COMMON, 4))} rule{number} part{at % per_document}"
        chunk = UUID(int=(seed << 64) + (first << 32) + at)
        made.append(IndexRow(chunk, number, number * 10, f"Title {number}", "", text, vector))
    return made
