"""A public set's documents into rows and an index, in bulk.

The texts go through the product's own Markdown reader, splitter, embedder and index. What is left
out is the process that files of strangers are read in: these files are the operator's own, and
starting thousands of processes would take longer than all the rest.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TypeVar

import numpy as np
from django.db import transaction

from evaluation.files.values import PublicDocument
from evaluation.public.shelf import VectorShelf
from knowledge import conf, index_store, indexing
from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.sniffing import MediaType
from knowledge.ingestion.splitter import Piece, split
from knowledge.ingestion.types import Extracted, IngestionError, Limits
from knowledge.models import Chunk, Document, DocumentVersion, Embedding

Say = Callable[[str], None]
T = TypeVar("T")

_DOCUMENTS = 25  # in one transaction
_TEXTS = 256  # embedded before the shelf gets them: at most some seconds of work to lose
_LONGEST_TITLE = 200
_EVERY_SECONDS = 10.0  # between two lines of progress


@dataclass(frozen=True)
class Loaded:
    """How much was loaded, and how long it took."""

    documents: int
    chunks: int
    seconds: float


def load(documents: Sequence[PublicDocument], shelf: VectorShelf, say: Say) -> Loaded:
    """Bring all documents into the index; what an earlier attempt did is not done again."""
    began = monotonic()
    known = set(DocumentVersion.objects.values_list("file_name", flat=True))
    missing = [document for document in documents if document.id not in known]
    progress = _Progress(say, "documents", len(missing))
    with tempfile.TemporaryDirectory() as folder:
        for part in _parts(missing, _DOCUMENTS):
            _store([_read(document, Path(folder)) for document in part], shelf)
            progress.add(len(part))
    index_store.want_build(full=True)
    while indexing.build_index():
        pass
    snapshot = index_store.current()
    if snapshot is None:
        raise RuntimeError("The index was not built; the log says why.")
    seconds = monotonic() - began
    say(f"indexed {snapshot.index.size} chunks of {len(documents)} documents in {seconds:.0f} s")
    return Loaded(len(documents), snapshot.index.size, seconds)


def documents_by_name() -> dict[str, tuple[int, int]]:
    """The document and version of each id of the set."""
    rows = DocumentVersion.objects.values_list("file_name", "document_id", "pk")
    return {name: (document_id, version_id) for name, document_id, version_id in rows}


@dataclass(frozen=True)
class _Read:
    """A document as it was read and split."""

    document: PublicDocument
    title: str
    extracted: Extracted
    pieces: list[Piece]


def _read(document: PublicDocument, folder: Path) -> _Read:
    """With the title that the set gives it, be it an empty one."""
    path = folder / "document.md"
    path.write_text(document.text, encoding="utf-8")
    title = " ".join(document.title.split())[:_LONGEST_TITLE]
    try:
        extracted = loader_for(MediaType.MARKDOWN).load(path, Limits(), _silent)
    except IngestionError:  # nothing but marks: no text, and so no pieces
        extracted = Extracted("")
    count = conf.embedder().count_tokens
    return _Read(document, title, extracted, split(extracted, title, conf.splitter_config(), count))


def _store(read: Sequence[_Read], shelf: VectorShelf) -> None:
    texts = {piece.content_hash: piece.embedded_text for one in read for piece in one.pieces}
    vectors = _vectors(texts, shelf)
    with transaction.atomic():
        for one in read:
            version = _store_version(one)
            splitter = conf.splitter_config().identity
            Chunk.objects.bulk_create([_chunk(version.pk, splitter, p) for p in one.pieces])
        _store_vectors(vectors)


def _store_version(one: _Read) -> DocumentVersion:
    row = Document.objects.create(title=one.title, source=one.document.language)
    data = one.document.text.encode()
    return DocumentVersion.objects.create(
        document=row,
        number=1,
        file="",
        file_name=one.document.id,
        media_type=MediaType.MARKDOWN,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        text=one.extracted.text,
        outline=[vars(heading) for heading in one.extracted.outline],
        chunk_count=len(one.pieces),
        state=DocumentVersion.State.EMBEDDED,
        step=DocumentVersion.Step.INDEXING,
    )


def _chunk(version_id: int, splitter: str, piece: Piece) -> Chunk:
    return Chunk(
        version_id=version_id,
        splitter=splitter,
        ordinal=piece.ordinal,
        heading=piece.heading[:500],
        page=piece.page,
        start=piece.start,
        end=piece.end,
        text=piece.text,
        tokens=piece.tokens,
        content_hash=piece.content_hash,
    )


def _vectors(texts: Mapping[str, str], shelf: VectorShelf) -> dict[str, bytes]:
    """The vectors of some texts by content: those of the shelf, and new ones, which go onto it."""
    vectors = shelf.get(texts)
    absent = [content_hash for content_hash in texts if content_hash not in vectors]
    for part in _parts(absent, _TEXTS):
        embedded = conf.embedder().embed_passages([texts[content_hash] for content_hash in part])
        made = {
            content_hash: np.asarray(vector, dtype="<f4").tobytes()
            for content_hash, vector in zip(part, embedded, strict=True)
        }
        shelf.put(made)
        vectors.update(made)
    return vectors


def _store_vectors(vectors: Mapping[str, bytes]) -> None:
    embedder = conf.embedder()
    rows = [
        Embedding(
            content_hash=content_hash,
            model=embedder.fingerprint,
            dimension=embedder.dimension,
            vector=vector,
        )
        for content_hash, vector in vectors.items()
    ]
    Embedding.objects.bulk_create(rows, ignore_conflicts=True)


class _Progress:
    """A line every ten seconds: how many of how many, and when it will be done."""

    def __init__(self, say: Say, what: str, total: int) -> None:
        self._say, self._what, self._total = say, what, total
        self._began = self._said = monotonic()
        self._done = 0

    def add(self, count: int) -> None:
        self._done += count
        now = monotonic()
        if now - self._said < _EVERY_SECONDS and self._done < self._total:
            return
        self._said = now
        left = (now - self._began) / self._done * (self._total - self._done)
        self._say(f"{self._done} of {self._total} {self._what}, about {left:.0f} s left")


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _silent(percent: int, pages_done: int = 0, pages: int = 0) -> None:
    """Nobody watches a single text."""
