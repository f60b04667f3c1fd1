"""One module a format, each with ``load(path, limits, report) -> Extracted``.

A loader runs in the sandbox's child and is imported there only when its format is read, so that a
text file does not wait for a PDF reader. It raises the errors of ``knowledge.ingestion.types``.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from knowledge.ingestion.sniffing import NOT_TAKEN, MediaType
from knowledge.ingestion.types import Extracted, Limits, UnsupportedFile


class Report(Protocol):
    """Told how many percent are read and, of what has pages, how many of them."""

    def __call__(self, percent: int, pages_done: int = 0, pages: int = 0, /) -> None: ...


_MODULES = {
    MediaType.MARKDOWN: "markdown",
    MediaType.TEXT: "text",
    MediaType.HTML: "html",
    MediaType.PDF: "pdf",
    MediaType.DOCX: "docx",
    MediaType.PPTX: "pptx",
    MediaType.XLSX: "xlsx",
    MediaType.CSV: "csv",
    MediaType.TSV: "csv",
}


class Loader(Protocol):
    """A module of this package."""

    def load(self, path: Path, limits: Limits, report: Report) -> Extracted: ...


def loader_for(media_type: str) -> Loader:
    """The loader of a media type; raises UnsupportedFile.

    An archive has none: each of its members is a document (``knowledge.ingestion.archive``).
    """
    module = _MODULES.get(MediaType(media_type)) if media_type in set(MediaType) else None
    if module is None:
        raise UnsupportedFile(NOT_TAKEN)
    return cast("Loader", import_module(f"{__name__}.{module}"))
