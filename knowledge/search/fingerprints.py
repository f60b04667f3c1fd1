"""What somebody's answers can rest on, as one value: equal values mean the same documents.

It stands for the index build, for every document that may be shown to them today within their
filters, with its version and what is told of it, and for the settings that change what is found.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from typing import Any

from django.conf import settings
from django.utils import timezone

from knowledge import index_store, reader
from knowledge.passages import Filters
from knowledge.search.audiences import Audience, Scope
from knowledge.search.expanding import staff_lists

_KEPT = 256  # as many audiences as masks are remembered for
# Documents that are looked at one by one: about 30 ms. Where there are more, the groups and the
# revision of who may see what stand for them, and only people with the same groups are equal.
_MOST = 5000


class _Kept:
    """Fingerprints of this process; the least recently used one goes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: OrderedDict[Any, str] = OrderedDict()

    def get(self, key: Any) -> str | None:
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
            return found

    def put(self, key: Any, value: str) -> str:
        with self._lock:
            self._values[key] = value
            while len(self._values) > _KEPT:
                self._values.popitem(last=False)
        return value


_kept = _Kept()


def fingerprint(user: Any, filters: Filters) -> str | None:
    """The value for this user; None without an index.

    The asker's groups are read now. The documents are read where the build, the groups, the day or
    the revision of who may see what are other than they were.
    """
    snapshot = index_store.current()
    if snapshot is None:
        return None
    scope = Scope(Audience.of(user), filters, timezone.localdate())
    groups = tuple(sorted(scope.audience.group_ids()))
    key = (snapshot.build_id, snapshot.audience_revision, groups, filters, scope.today)
    documents = _kept.get(key) or _kept.put(key, _digest_of(scope) or _digest([*map(str, key)]))
    told = [snapshot.build_id, snapshot.calibration, documents, _filters(filters), _search()]
    return _digest(told)


def _digest_of(scope: Scope) -> str:
    """The documents of a scope as one value; empty where there are too many."""
    columns = ("pk", "active_version_id", "title", "document_type", "source", "review_by")
    rows = list(scope.documents().order_by("pk").values_list(*columns)[: _MOST + 1])
    return _digest(rows) if len(rows) <= _MOST else ""


def _digest(told: Any) -> str:
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _filters(filters: Filters) -> list[Any]:
    return [filters.document_type, filters.source, sorted(set(filters.document_ids))]


def _search() -> list[Any]:
    """The settings of a search that no build knows."""
    lists = repr(staff_lists()) if settings.QUERY_EXPANSION else ""
    return [settings.RERANKER_MODEL, reader.fingerprint(), settings.REFUSED_ANSWERABLE, lists]
