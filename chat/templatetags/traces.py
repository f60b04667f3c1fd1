"""Figures of a trace in words."""

import json
from collections.abc import Mapping
from typing import Any

from django import template

from chat.marks import marks_of
from chat.models import Message
from chat.retelling import STAGES

register = template.Library()
_NAMES = {"dense": "Dense", "lexical": "Words", "fused": "Fused", "rerank": "Reranked"}
_WHY = {
    "duplicate": "It says the same as a passage further up.",
    "beyond limit": "It ranks below the number of passages that were asked for.",
}
_REQUESTS = {
    "answer": "Answer",
    "general": "Answer from its own knowledge",
    "round": "Answer, with what functions brought",
    "rewrite": "Question made to stand alone",
    "judge": "Verdicts on sentences",
    "reword": "Sentence said anew",
    "summary": "Summary of older turns",
    "title": "Title of the conversation",
}
_ROLES = {
    "system": "Instruction (system)",
    "user": "Said to the model (user)",
    "assistant": "Said by the model (assistant)",
    "tool": "What a function brought (tool)",
}
_NONE = "–"


@register.filter
def milliseconds(value: Any) -> str:
    """A time as ``640 ms`` or ``2.4 s``."""
    if value is None:
        return _NONE
    return f"{value} ms" if value < 1000 else f"{value / 1000:.1f} s"


@register.filter
def share(value: float | None) -> str:
    """0..1 as a percentage."""
    return _NONE if value is None else f"{round(100 * value)} %"


@register.filter
def score(scores: Mapping[str, float | None] | None, name: str) -> str:
    """What a stage thought of a passage."""
    found = (scores or {}).get(name)
    return _NONE if found is None else f"{found:.3f}"


@register.filter
def score_name(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " ").capitalize())


@register.filter
def stage_name(name: str) -> str:
    return STAGES.get(name, name)


@register.filter
def why_words(why: str) -> str:
    return _WHY.get(why, "")


@register.filter
def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


@register.filter
def marks(message: Message) -> list[str]:
    """What was found in question and answer, in words."""
    return marks_of(message.safety)


@register.filter
def request_name(kind: str) -> str:
    """What a model was asked for."""
    return _REQUESTS.get(kind, kind.replace("_", " ").capitalize())


@register.filter
def role_name(role: str) -> str:
    """Whose message of a request it is."""
    return _ROLES.get(role, role)


@register.filter
def outcome_name(outcome: str) -> str:
    """How a call ended."""
    return outcome.replace("_", " ").capitalize()
