"""A message as it is understood: its parts, and each as a question that can be searched alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.conf import settings

from chat import prompted
from chat.calls import CallDesk, Request, ask_model
from chat.generation.context import Turn
from chat.generation.prompts import new_marker
from chat.generation.understanding import rewriting
from chat.generation.understanding.followups import standalone, stands_alone, with_aside
from chat.generation.understanding.merging import Found, Look, Part, of_one, of_parts, of_wordings
from chat.generation.understanding.parts import parts_of
from chat.jobs import Job
from chat.remembering import documents_as_dicts
from chat.tracing import Tracer
from knowledge.passages import SearchResult
from knowledge.search import search


@dataclass(frozen=True)
class Asked:
    """One question of a message: as it was asked, as it is searched, and who made that of it."""

    question: str
    query: str
    by: str = ""  # "turns" or "model"; empty where it is searched as it was asked
    topics: tuple[str, ...] = ()  # that the last turns brought in

    @property
    def shown(self) -> str:
        """The query as a reader can read it: what is searched need not be a sentence."""
        return with_aside(self.question, self.topics) if self.by == "turns" else self.query


async def understand(job: Job, desk: CallDesk, trace: Tracer) -> tuple[Asked, ...]:
    """The questions of a message, each so that it can be searched alone.

    A question that stands alone is left as it is. Another one gets its subject from the last turns;
    a model, where there is one, may say it better within ``REWRITE_TIMEOUT_MS``. What fails or
    talks nonsense changes nothing.
    """
    parts = parts_of(job.question)
    before: list[Turn] = list(job.turns)
    asked = []
    for part in parts:
        asked.append(_from_turns(part, tuple(before)))
        before.append(Turn(part, ""))
    if not settings.REWRITE_TIMEOUT_MS or not job.models:
        return tuple(asked)
    rewritten = [_by_model(job, desk, one, parts[:at], trace) for at, one in enumerate(asked)]
    return tuple(await asyncio.gather(*rewritten))


def _from_turns(question: str, turns: Sequence[Turn]) -> Asked:
    made = standalone(question, turns)
    return Asked(question, made.question, "turns" if made.topics else "", made.topics)


async def _by_model(
    job: Job, desk: CallDesk, asked: Asked, earlier: Sequence[str], trace: Tracer
) -> Asked:
    turns = (*job.turns, *(Turn(part, "") for part in earlier))
    if stands_alone(asked.question, turns):
        return asked
    marker = new_marker()
    recipe = partial(prompted.rewrite, marker, len(earlier), job.turns)
    request = Request(
        purpose="rewrite",
        messages=rewriting.request(asked.question, turns, marker),
        max_tokens=rewriting.MAX_TOKENS,
        seconds=settings.REWRITE_TIMEOUT_MS / 1000,
        message_id=job.message_id,
        tell=partial(trace.asked, recipe),
    )
    said = rewriting.read(await ask_model(desk, request) or "", asked.question, turns)
    if not said:
        return asked
    is_same = said.casefold().rstrip("?？ ") == asked.question.casefold().rstrip("?？ ")
    return replace(asked, query=asked.question if is_same else said, by="" if is_same else "model")


def find(job: Job, asked: Sequence[Asked]) -> Found:
    """Search for each question within what the asker may see, in both of its wordings."""
    limit = job.top_k or settings.TOP_K
    look = partial(search, user=job.user, limit=job.top_k, filters=job.filters)
    parts = []
    looks: list[Look] = []
    for at, one in enumerate(asked):
        plain = look(one.question)
        looks.append(Look(at, "asked", plain))
        result = plain
        if one.by:
            looks.append(Look(at, "rewritten", look(one.query)))
            result = of_wordings(plain, looks[-1].result, limit)
        query = one.question if result is plain else one.query
        parts.append(Part(one.question, query, result))
    if len(parts) == 1:
        return replace(of_one(parts[0].query, parts[0].result), looks=tuple(looks))
    query = " ".join(part.query for part in parts)
    whole = Part(job.question, query, look(query))
    looks.append(Look(-1, "whole", whole.result))
    return replace(of_parts(whole, parts, limit), looks=tuple(looks))


def as_stored(job: Job, asked: Sequence[Asked], found: SearchResult) -> dict[str, Any]:
    """How a message was understood, for its row; empty where it was searched as it stands.

    ``documents`` are those whose words may have come in from the turns: it is shown only while
    they may be read, and forgotten with them.
    """
    parts = found.parts if isinstance(found, Found) and found.parts else ()
    queries = [part.query for part in parts] or [getattr(found, "query", job.question)]
    used = [one for one in asked if one.by and one.query in queries]
    if not used and len(asked) == 1:
        return {}
    cited = [document for turn in job.turns for document in turn.documents]
    shown = {one.query: one.shown for one in used}
    return {
        "understood": {
            "queries": queries,
            "shown": [shown.get(query, query) for query in queries],
            "by": next((one.by for one in used), "parts"),
            "documents": documents_as_dicts(cited) if used else [],
        }
    }
