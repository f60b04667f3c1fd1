"""The index as a part of the installation's health."""

from typing import Any, Literal

from knowledge import conf, index_store, reader
from knowledge.indexing import configurations, drift
from knowledge.models import DocumentVersion, IndexBuild, VersionState
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.search import query_vectors

_NO_MODEL = "The embedding model is missing or damaged: answers go by words alone."
_OTHER_MODEL = "The index was built with another embedding model: answers go by words alone."
_NO_READER = "The weights of the reader are missing or damaged: answers go without it."
_FARES: dict[query_vectors.State, str] = {
    "ok": "",
    "loading": "The embedding model is being loaded: until then answers go by words alone.",
    "down": "The embedding model fails or is slow: until it recovers answers go by words alone.",
}
_REFUSED = (
    "The quality gate refused the build of this configuration: the one before it answers. Let it "
    "in with a reason, or change the settings."
)
_STUCK = (
    "New documents wait: the build that answers was made with an embedding model that is not "
    "there any more, and the build that is to follow was refused."
)
_DRIFT = "Database and index differ: run manage.py check_index --repair."


def index() -> tuple[Literal["ok", "degraded", "failed"], dict[str, Any]]:
    """``failed`` only where there is a build and none can be loaded; no documents yet is ok."""
    facts = index_store.status()
    state = facts.pop("state")
    facts["drift"] = drift.last_measured()
    facts["reader"] = reader.state()
    if state == "ok" and (problem := _problem(facts)):
        return "degraded", {**facts, "detail": problem}
    return state, facts


def _problem(facts: dict[str, Any]) -> str:
    return (
        _problem_of_model()
        or _problem_of_release(facts)
        or _problem_of_drift(facts["drift"])
        or (_NO_READER if facts["reader"] == reader.MISSING else "")
    )


def _problem_of_model() -> str:
    snapshot = index_store.current()
    try:
        model = snapshot.model if snapshot is not None else conf.fingerprint()
        if conf.embedder_for(model) is None:
            return _OTHER_MODEL
    except EmbedderUnavailable:
        return _NO_MODEL
    return _FARES[query_vectors.state(model)]


def _problem_of_release(facts: dict[str, Any]) -> str:
    """A refused configuration is no problem where staff went back on purpose."""
    if not facts["refused"] or facts["rolled_back"]:
        return ""
    active = IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE).first()
    waits = DocumentVersion.objects.filter(state=VersionState.EMBEDDED).exists()
    if active is not None and waits and not configurations.is_usable(active.configuration):
        return _STUCK
    return _REFUSED


def _problem_of_drift(last: dict[str, Any] | None) -> str:
    counts = ("missing", "orphaned", "stale", "wrong_model")
    return _DRIFT if last and any(last.get(name) for name in counts) else ""
