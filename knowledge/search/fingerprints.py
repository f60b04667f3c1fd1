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

from knowledge import index_store
from knowledge.passages import Filters
from knowledge.search.audiences import Audience, Scope
from knowledge.search.expanding import staff_lists

_KEPT = 256  # as many audiences as masks are remembered for


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
    the revision of who may see what are other than they were; 100,000 documents take half a second
    then, and nothing afterwards.
    """
    snapshot = index_store.current()
    if snapshot is None:
        return None
    scope = Scope(Audience.of(user), filters, timezone.localdate())
    groups = scope.audience.group_ids()
    key = (snapshot.build_id, snapshot.audience_revision, groups, filters, scope.today)
    documents = _kept.get(key) or _kept.put(key, _digest_of(scope))
    told = [snapshot.build_id, documents, _filters(filters), _search()]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _digest_of(scope: Scope) -> str:
    rows = scope.documents().order_by("pk")
    told = hashlib.sha256()
    columns = ("pk", "active_version_id", "title", "document_type", "source", "review_by")
    for row in rows.values_list(*columns).iterator(chunk_size=2000):
        told.update(json.dumps(row, default=str).encode())
    return told.hexdigest()


def _filters(filters: Filters) -> list[Any]:
    return [filters.document_type, filters.source, sorted(set(filters.document_ids))]


def _search() -> list[Any]:
    """The settings of a search that no build knows."""
    lists = repr(staff_lists()) if settings.QUERY_EXPANSION else ""
    return [settings.RERANKER_MODEL, lists]
