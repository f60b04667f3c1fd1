"""The words of a release as tantivy's files: their fields, and how they are written."""

from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

import tantivy

from knowledge.retrieval.types import IndexRow
from knowledge.retrieval.words import analyser, field_texts, spaced_analyser

ANALYSED = ("title", "heading", "body")
MADE = ("exact", "pairs")  # terms of our own, joined by spaces
_ANALYSER, _SPACED = "footnote_words", "footnote_spaced"
# Each thread writes a segment when its share is full: few segments make quick searches.
_BUILD_BYTES, _BUILD_THREADS = 512 * 1024 * 1024, 2
_EXTENSION_BYTES, _EXTENSION_THREADS = 32 * 1024 * 1024, 1


def open_words(folder: Path) -> tantivy.Index:
    """The index in a folder; raises ValueError or OSError."""
    return _registered(tantivy.Index.open(str(folder)))


def _registered(index: tantivy.Index) -> tantivy.Index:
    index.register_tokenizer(_ANALYSER, analyser())
    index.register_tokenizer(_SPACED, spaced_analyser())
    return index


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    # Signed: tantivy's deletions by an unsigned number delete nothing and say nothing.
    builder.add_integer_field("row", indexed=True, fast=True)
    builder.add_integer_field("document", indexed=True, fast=True)
    for name in ANALYSED:
        builder.add_text_field(name, tokenizer_name=_ANALYSER, index_option="freq")
    for name in MADE:
        builder.add_text_field(name, tokenizer_name=_SPACED, index_option="freq")
    return builder.build()


class WordWriter:
    """Rows into tantivy, by one commit at the end; nothing is written where an error comes first.

    An extension's folder holds links to the segments of its base. Tantivy never writes into a
    segment: deletions and new rows become files of their own.
    """

    def __init__(self, folder: Path, *, is_extension: bool = False) -> None:
        if is_extension:
            index = open_words(folder)
            self._writer = index.writer(_EXTENSION_BYTES, _EXTENSION_THREADS)
        else:
            folder.mkdir()
            index = _registered(tantivy.Index(_schema(), path=str(folder), reuse=False))
            self._writer = index.writer(_BUILD_BYTES, _BUILD_THREADS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._writer.rollback()

    def add(self, number: int, row: IndexRow) -> None:
        """One row under its number."""
        document = tantivy.Document()
        document.add_integer("row", number)
        document.add_integer("document", row.document_id)
        for name, text in field_texts(row.title, row.heading, row.text).items():
            if text:
                document.add_text(name, text)
        self._writer.add_document(document)

    def delete(self, document_ids: Collection[int]) -> None:
        """Take away what was added of these documents so far."""
        for number in document_ids:
            self._writer.delete_documents_by_term("document", number)

    def finish(self) -> None:
        """Write all of it; other threads run meanwhile."""
        self._writer.commit()
        self._writer.wait_merging_threads()
