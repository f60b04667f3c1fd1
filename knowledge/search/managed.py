"""Stored texts as managers of documents see them: every one that is there, whoever may ask of it.

For pages of staff alone; what a reader may see is ``spans``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from knowledge.models import Chunk

_AT_A_TIME = 500


@dataclass(frozen=True)
class ChunkPlace:
    """Where a chunk stands, and what is said of it; offsets count code points of the version."""

    document_id: int
    document_version: int
    title: str
    heading: str
    page: int | None
    start: int
    end: int
    text: str


def places(chunk_ids: Iterable[str]) -> dict[str, ChunkPlace]:
    """The chunks that are still there, by id."""
    wanted = [UUID(one) for one in dict.fromkeys(chunk_ids)]
    found: dict[str, ChunkPlace] = {}
    for at in range(0, len(wanted), _AT_A_TIME):
        rows: Any = Chunk.objects.filter(pk__in=wanted[at : at + _AT_A_TIME]).values_list(
            "pk",
            "version__document_id",
            "version__number",
            "version__document__title",
            "heading",
            "page",
            "start",
            "end",
            "text",
        )
        found.update({str(pk): ChunkPlace(*row) for pk, *row in rows})
    return found
