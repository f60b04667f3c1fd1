"""What staff should know and do, as pages and health show it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Link:
    """A place where something can be done about it."""

    words: str
    url: str


@dataclass(frozen=True)
class Notice:
    """A sentence or two, and where to go."""

    sentence: str
    links: tuple[Link, ...] = ()


def from_others(document_id: int | None = None) -> list[Notice]:
    """What other apps have to say of all documents, or of one (``INDEX_NOTICES``)."""
    found: list[Notice] = []
    for path in settings.INDEX_NOTICES:
        tell: Callable[[int | None], list[Notice]] = import_string(path)
        found += tell(document_id)
    return found
