"""The values and errors of ingestion.

IngestionError (``sentence``: what a manager is told)
├── UnsupportedFile   the type is not taken, or the bytes are not what the name says
├── UnreadableFile    damaged, encrypted, without text, or it broke the reader
├── LimitExceeded     more pages, characters, memory or time than one document may take
└── ExtractionStopped the caller's ``should_stop`` said so
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MEBIBYTE = 1024 * 1024


class IngestionError(Exception):
    """A file that does not become text; ``sentence`` says why in a manager's words."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class UnsupportedFile(IngestionError):
    """Refused at the door: the type is not taken, or the bytes are not what the name says."""


class UnreadableFile(IngestionError):
    """Taken, but reading it failed."""


class LimitExceeded(IngestionError):
    """Readable, but more than one document may be."""


class ExtractionStopped(IngestionError):
    """The caller asked to stop; nothing is wrong with the file."""


@dataclass(frozen=True)
class SourceFile:
    """A file on disk, with the name it was given and the media type that `recognise` found."""

    path: Path
    file_name: str
    media_type: str


@dataclass(frozen=True)
class Heading:
    """A heading of the text; ``start`` is the offset of its line, ``level`` counts from 1."""

    level: int
    title: str
    start: int


class PageKind(StrEnum):
    """What a page gave."""

    TEXT = "text"
    EMPTY = "empty"  # it shows nothing at all
    PICTURE = "picture"  # it shows something, and none of it is text
    DAMAGED = "damaged"  # it could not be opened


@dataclass(frozen=True)
class PageReport:
    """What one page gave: ``page`` counts from 1, ``characters`` those of its text."""

    page: int
    characters: int
    kind: PageKind


@dataclass(frozen=True)
class Progress:
    """How far the reading is. ``pages`` is 0 until it is known and where a format has no pages."""

    percent: int
    pages_done: int = 0
    pages: int = 0


@dataclass(frozen=True)
class Extracted:
    """The text of a file, NFC and clean. Every offset counts code points of ``text``.

    ``pages`` holds the start of each page and is empty where a format has none; ``warnings`` are
    sentences for the manager; ``page_count`` is 0 where a format has no pages; ``page_report`` has
    an entry a page. ``hides`` are sentences on what the file hides from its readers.
    ``is_complete`` is False where a part of the file gave no text: a page without text, rows beyond
    a limit. Then a warning says which.
    """

    text: str
    outline: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    page_count: int = 0
    page_report: tuple[PageReport, ...] = ()
    is_complete: bool = True
    hides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What one extraction may use. The defaults stop the known bombs and let 2,000 pages pass.

    ``max_unpacked_bytes``, ``max_archive_ratio`` (unpacked to packed, of a member above a mebibyte
    and of the whole) and ``max_archive_members`` hold for ZIP archives and for Office files, which
    are archives. ``max_rows`` and ``max_columns`` hold for each sheet or table of cells.
    """

    max_pages: int = 2000
    max_characters: int = 20_000_000
    max_rows: int = 100_000
    max_columns: int = 256
    memory_bytes: int = 1536 * MEBIBYTE
    wall_seconds: float = 120.0
    result_bytes: int = 256 * MEBIBYTE
    max_unpacked_bytes: int = 512 * MEBIBYTE
    max_archive_ratio: int = 100
    max_archive_members: int = 10_000

    @property
    def cpu_seconds(self) -> int:
        """Half of the time on the clock: a busy machine gives a child about half of a core."""
        return max(1, int(self.wall_seconds / 2))
