"""Small indexes, made of texts and a discriminating fake embedder."""

from pathlib import Path
from uuid import UUID

from knowledge.retrieval.backends.files import FileIndex, IndexRow, build
from tests.fakes import BagOfWordsEmbedder

EMBEDDER = BagOfWordsEmbedder()


def rows(texts, documents=None, title="", embedder=EMBEDDER):
    """One row a text; each its own document, numbered from 1, unless told."""
    vectors = embedder.embed_passages(list(texts))
    numbers = documents or range(1, len(texts) + 1)
    return [
        IndexRow(UUID(int=at + 1), number, title, "", text, vector)
        for at, (number, text, vector) in enumerate(zip(numbers, texts, vectors, strict=True))
    ]


def index(folder: Path, texts, documents=None, title="", embedder=EMBEDDER) -> FileIndex:
    made = rows(texts, documents, title, embedder)
    build(folder / "build", made, embedder.dimension, {})
    return FileIndex.open(folder / "build", verify=True)
