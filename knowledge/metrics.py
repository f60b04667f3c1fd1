"""Figures about documents and the index, for a monitoring system."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count
from prometheus_client.core import Metric

from core.metrics import gauge
from knowledge import catalogue
from knowledge.models import DocumentVersion, IndexBuild, VersionState

_DRIFT = ("missing", "orphaned", "stale", "wrong_model", "waiting", "pending_erasure")


def collect() -> Iterator[Metric]:
    """Documents, what waits, the active release and the last measured drift."""
    stats = catalogue.stats()
    yield gauge("footnote_documents", "Documents.", {(): stats["documents"]})
    yield gauge("footnote_chunks", "Chunks of the versions that answer.", {(): stats["chunks"]})
    counted = dict.fromkeys(VersionState.values, 0)
    rows = DocumentVersion.objects.order_by().values_list("state").annotate(Count("pk"))
    counted |= dict(rows)
    states = {(state,): count for state, count in counted.items()}
    yield gauge("footnote_versions", "Versions of documents by state.", states, ("state",))
    index = stats["index"]
    yield gauge("footnote_index_vectors", "Vectors of the active build.", {(): index["vectors"]})
    yield gauge("footnote_index_bytes", "Bytes of the active build.", {(): index["bytes"]})
    yield gauge("footnote_index_build", "The active build; 0: none.", {(): index["build"] or 0})
    built = index["built_at"].timestamp() if index["built_at"] else 0
    yield gauge("footnote_index_built_timestamp_seconds", "When it was built.", {(): built})
    refused = IndexBuild.objects.filter(state=IndexBuild.State.REFUSED).count()
    yield gauge("footnote_index_builds_refused", "Builds that the gate refused.", {(): refused})
    yield from _drift(stats["drift"])


def _drift(last: dict[str, Any] | None) -> Iterator[Metric]:
    """What the drift meter counted last; nothing before its first night."""
    if last is None:
        return
    readable = {(): not last.get("unreadable", 0)}
    yield gauge("footnote_index_readable", "Whether drift could be measured.", readable)
    counts = {(kind,): last.get(kind, 0) for kind in _DRIFT}
    says = "Chunks in which database and index differ, as last measured; 0 is the normal state."
    yield gauge("footnote_index_drift_chunks", says, counts, ("kind",))
    at = {(): datetime.fromisoformat(last["at"]).timestamp()}
    yield gauge("footnote_index_drift_timestamp_seconds", "When drift was measured.", at)
