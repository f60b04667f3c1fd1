"""The values and errors of ingestion.

IngestionError (``sentence``: what a manager is told)
├── UnsupportedFile   the type is not taken, or the bytes are not what the name says
├── UnreadableFile    damaged, encrypted, without text, or it broke the reader
├── LimitExceeded     more pages, characters, memory or time than one document may take
└── ExtractionStopped the caller's ``should_stop`` said so
"""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Extracted:
    """The text of a file, NFC and clean. Every offset counts code points of ``text``.

    ``pages`` holds the start of each page and is empty where a format has none; ``warnings`` are
    sentences for the manager; ``page_count`` is 0 where a format has no pages.
    """

    text: str
    outline: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    page_count: int = 0


@dataclass(frozen=True)
class Limits:
    """What one extraction may use. The defaults stop the known bombs and let 2,000 pages pass."""

    max_pages: int = 2000
    max_characters: int = 20_000_000
    memory_bytes: int = 1536 * MEBIBYTE
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    result_bytes: int = 256 * MEBIBYTE
    max_unpacked_bytes: int = 512 * MEBIBYTE
    max_archive_members: int = 10_000
