"""Questions of public sets that come with what was said before them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.generation.context import Turn


@dataclass(frozen=True)
class FollowUp:
    """A question, the turns before it, and a person's rewriting."""

    question: str
    turns: tuple[Turn, ...]
    rewrite: str
    needs_rewrite: bool
    half: int  # 0: weights were fitted on its conversation, 1: they were not


def follow_up(values: Mapping[str, Any]) -> FollowUp:
    """A line of a set as a follow-up."""
    question, rewrite = values["question"], values["rewrite"]
    return FollowUp(
        question=question,
        turns=turns_of(values),
        rewrite=rewrite,
        needs_rewrite=bool(values.get("needs_rewrite", rewrite != question)),
        half=half_of(str(values.get("conversation", ""))),
    )


def half_of(conversation: str) -> int:
    """In which half a conversation lies: 0 or 1."""
    return int(hashlib.sha256(conversation.encode()).hexdigest(), 16) % 2


def turns_of(values: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The history of a line as turns.

    An answer counts as one that cites the page and the section that the set names, as the
    product's own answers cite theirs.
    """
    turns: list[Turn] = []
    for said in values["history"]:
        if said["role"] == "user":
            turns.append(Turn(said["text"], ""))
        elif turns and not turns[-1].answer:
            titles = tuple(filter(None, [values.get("title", "")]))
            headings = tuple(filter(None, [values.get("section", "")]))
            turns[-1] = Turn(turns[-1].question, said["text"], titles, headings)
    return tuple(turns)
