"""The marks that staff see on messages: what was found, never what was said."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

_PARTS = ("question", "answer")


def marked(name: str) -> Q | None:
    """The messages with a mark (``orders``, ``moderated``, ``unmoderated``); None for another."""
    if name == "orders":
        return Q(safety__has_key="orders")
    if name == "moderated":
        return Q(safety__moderation__question__flagged=True) | Q(
            safety__moderation__answer__flagged=True
        )
    if name == "unmoderated":
        return Q(safety__moderation__question__has_key="failed") | Q(
            safety__moderation__answer__has_key="failed"
        )
    return None


def marks_of(safety: Mapping[str, Any]) -> list[str]:
    """The marks of a message in words: its manners, the moderation's categories."""
    found: list[str] = []
    if "orders" in safety:
        found.append(f"gives orders ({', '.join(safety['orders']['manners'])})")
    moderation = safety.get("moderation", {})
    for part in _PARTS:
        judged = moderation.get(part, {})
        if judged.get("flagged"):
            found.append(f"{part} objected to ({', '.join(judged['categories'])})")
        if "failed" in judged:
            found.append(f"{part} not moderated ({judged['failed']})")
    return found
