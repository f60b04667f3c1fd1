"""Which rows of a release an audience may see, remembered while nothing that decides it changed."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from knowledge.index_store import Snapshot
from knowledge.passages import Filters
from knowledge.search.audiences import Scope

_BYTES = 64 * 1024 * 1024  # of masks a release, at about a byte a row
_FEWEST, _MOST = 8, 256


@dataclass(frozen=True)
class Visible:
    """What an audience may see of one release."""

    rows: Any  # as the release's backend takes it
    documents: int


@dataclass(frozen=True)
class Key:
    """All that a mask depends on beside the release."""

    group_ids: frozenset[int] | None  # None: everyone's
    filters: Filters
    today: date
    revision: int  # of IndexState.audience
    is_released: bool


class _Masks:
    """The masks of one release; the least recently used one goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._kept: OrderedDict[Key, Visible] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Visible]) -> Visible:
        """The mask, made once however many threads ask for it at a time."""
        found = self._find(key)
        if found is not None:
            return found
        with self._making:
            found = self._find(key)
            if found is None:
                found = make()
                self._keep(key, found)
            return found

    def forget(self, key: Key) -> None:
        with self._lock:
            self._kept.pop(key, None)

    def _find(self, key: Key) -> Visible | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def _keep(self, key: Key, made: Visible) -> None:
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_lock = threading.Lock()
# By the opened release itself: its masks go when nobody has it open any more.
_of_release: WeakKeyDictionary[Any, _Masks] = WeakKeyDictionary()


def visible(snapshot: Snapshot, scope: Scope, *, anew: bool = False) -> Visible:
    """The rows that a scope allows; ``anew`` reads them again, whatever was remembered.

    One query for the asker's groups, and one for the documents where nothing is remembered. What
    a mask lets through is checked against the rows afterwards, so that a mask may be too wide for
    a moment but never shows anything.
    """
    if scope.filters.document_ids:  # each caller's own, and quickly read by primary key
        return _make(snapshot, scope)
    key = _key(snapshot, scope)
    masks = _masks_of(snapshot)
    if anew:
        masks.forget(key)
    return masks.get(key, lambda: _make(snapshot, scope))


def _key(snapshot: Snapshot, scope: Scope) -> Key:
    audience = scope.audience
    return Key(
        group_ids=None if audience.is_everyone else audience.group_ids(),
        filters=scope.filters,
        today=scope.today,
        revision=snapshot.audience_revision,
        is_released=scope.is_released,
    )


def _masks_of(snapshot: Snapshot) -> _Masks:
    with _lock:
        masks = _of_release.get(snapshot.index)
        if masks is None:
            fitting = _BYTES // max(1, snapshot.index.size)
            masks = _of_release[snapshot.index] = _Masks(max(_FEWEST, min(fitting, _MOST)))
        return masks


def _make(snapshot: Snapshot, scope: Scope) -> Visible:
    ids = scope.documents().order_by().values_list("pk", flat=True)
    documents = frozenset(ids)
    return Visible(snapshot.index.allow(documents), len(documents))
