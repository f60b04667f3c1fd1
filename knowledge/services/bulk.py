"""The same order for many documents: each by itself, and what became of each is said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.errors import AppError, NotFound
from knowledge.models import Document
from knowledge.services.versions import cancel, reprocess

_ROWS = 500  # documents read at a time


@dataclass
class Outcome:
    """Which documents followed an order, and why others did not, by their ids."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def reprocess_many(ids: Iterable[int]) -> Outcome:
    """Process the newest content of each document again; see ``reprocess``."""
    return _each(ids, reprocess)


def cancel_many(ids: Iterable[int]) -> Outcome:
    """End the processing of each document; one where nothing is processed is refused."""
    return _each(ids, cancel)


def _each(ids: Iterable[int], order: Callable[[Document], object]) -> Outcome:
    outcome = Outcome()
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), _ROWS):
        part = wanted[start : start + _ROWS]
        found = Document.objects.in_bulk(part)
        for pk in part:
            try:
                _obey(found.get(pk), order)
            except AppError as error:
                outcome.refused[pk] = error.detail
            else:
                outcome.done.append(pk)
    return outcome


def _obey(document: Document | None, order: Callable[[Document], object]) -> None:
    if document is None:
        raise NotFound
    order(document)
