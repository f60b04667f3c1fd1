"""A question of a conversation searched as the product would: with the turns before it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chat.conf import ANSWERABLE
from chat.generation.context import Turn
from chat.generation.understanding.followups import standalone
from chat.jobs import Job
from chat.understanding import Asked, find
from evaluation.files.values import PublicQuestion
from evaluation.public.conversations import turns_of
from knowledge.passages import Filters, SearchResult
from knowledge.search import search

_NOBODY = UUID(int=0)


def search_understood(question: PublicQuestion, limit: int, filters: Filters) -> SearchResult:
    """The passages for the last question of a conversation, without a model."""
    turns = _cited(question.values)
    made = standalone(question.text, turns)
    asked = Asked(question.text, made.question, "turns" if made.topics else "")
    job = Job(question.text, turns, None, "", limit, filters, _NOBODY)
    return find(job, [asked])


def _cited(values: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The turns, each citing the first passage that the product finds for it."""
    turns: tuple[Turn, ...] = ()
    for said in turns_of(values):
        turn = said
        result = search(standalone(said.question, turns).question, user=None, limit=1)
        if result.passages and result.answerable >= ANSWERABLE:
            best = result.passages[0]
            titles = tuple(filter(None, [best.title]))
            headings = tuple(filter(None, [best.heading.split(" › ")[-1]]))
            turn = Turn(said.question, said.answer, titles, headings)
        turns = (*turns, turn)
    return turns
