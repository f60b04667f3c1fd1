"""The index as a part of the installation's health."""

from typing import Any, Literal

from knowledge import conf, index_store
from knowledge.retrieval.embedder import EmbedderUnavailable

_NO_MODEL = "The embedding model is missing or damaged: answers go by words alone."
_OTHER_MODEL = "The index was built with another embedding model: answers go by words alone."


def index() -> tuple[Literal["ok", "degraded", "failed"], dict[str, Any]]:
    """``failed`` only where there is a build and none can be loaded; no documents yet is ok."""
    facts = index_store.status()
    state = facts.pop("state")
    if state == "ok" and (problem := _problem_of_model()):
        return "degraded", {**facts, "detail": problem}
    return state, facts


def _problem_of_model() -> str:
    try:
        fingerprint = conf.fingerprint()
    except EmbedderUnavailable:
        return _NO_MODEL
    snapshot = index_store.current()
    if snapshot is not None and snapshot.model != fingerprint:
        return _OTHER_MODEL
    return ""
