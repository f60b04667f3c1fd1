"""Notices above the lists of documents and releases, and what a gate's build lost."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from knowledge import notices
from knowledge.indexing import rollbacks
from knowledge.notices import Notice


def notices_of_all() -> list[Notice]:
    """What staff should know before they do anything else."""
    return [*rollbacks.notices(), *notices.from_others()]


def lost_in_gate(gate: Mapping[str, Any]) -> Sequence[Any]:
    """The evidence that a build lost, as rows of ``INDEX_GATE_LOSSES``."""
    rows: Callable[[Mapping[str, Any]], Sequence[Any]] = import_string(settings.INDEX_GATE_LOSSES)
    return rows(gate) if gate else ()
