"""One answer for equal questions: of whoever may read the same documents, for some hours.

Nothing is stored beside the answers themselves. An answer's row has the key under which it may be
given again (``Message.share_key``), so whatever deletes the answer, or the conversation around it,
or a document that it rests on, takes it out of the cache. The key stands for everything that made
the answer: the question, the models, what they are told, the settings, and the documents that the
asker may read. Who may read what is looked up once more before a word is given: no document that
the first answer was made from may be hidden from the second asker.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from chat import reading, wording
from chat.candidates import candidates
from chat.conf import EXTRACTIVE
from chat.desks import Desk
from chat.generation.sentences import Sentence
from chat.jobs import Job
from chat.journal import Ending
from chat.models import Citation, Feedback, Message
from chat.replaying import pieces
from chat.runs import Quoted, Run
from chat.searched import told_by_tools
from chat.sharekeys import key_of
from knowledge.passages import Passage, Span, SpanText
from knowledge.search import read_spans

logger = logging.getLogger(__name__)

HIT, MISS = "hit", "miss"
_LOOKED_AT = 3  # the newest answers under a key, should one of them not be fit any more


@dataclass(frozen=True)
class Earlier:
    """An answer that may be given again, as this asker may see it now."""

    message: Message
    body: Mapping[str, Any]
    quotes: Mapping[int, Quoted]
    sources: Sequence[Mapping[str, Any]]  # candidates


@dataclass(frozen=True)
class Look:
    """What was looked for, and what was found. ``key`` is empty where nothing may be shared."""

    key: str = ""
    earlier: Earlier | None = None


async def look(run: Run, desk: Desk, job: Job) -> Look:
    """Look for an earlier answer to an equal question, unless a fresh one is wanted."""
    if not settings.ANSWER_CACHE_HOURS or "orders" in run.fields.get("safety", {}):
        return Look()
    try:
        key = await desk.cpu(partial(key_of, job))
        if not key or job.fresh:
            return Look(key)
        earlier = await desk.cpu(partial(earlier_answer, job, key))
    except DatabaseError:
        logger.exception("no earlier answer could be looked for; a new one is written")
        return Look()
    if earlier is None:
        run.fields = {**run.fields, "cache": MISS}
    return Look(key, earlier)


def give(run: Run, earlier: Earlier) -> Ending:
    """Say an earlier answer once more, with footnotes of its own."""
    message = earlier.message
    # Which documents functions told of must be known; what they were asked is the first asker's.
    tools = [{**tool, "arguments": {}} for tool in message.retrieval.get("tools", [])]
    retrieval = {**message.retrieval, **({"tools": tools} if tools else {})}
    sentences = tuple(Sentence.from_dict(stored) for stored in message.sentences)
    run.model, run.sentences = message.model, sentences
    run.fields = {
        **run.fields,
        "model": message.model,
        "prompt_version": message.prompt_version,
        "searched": message.searched,
        "sentences": message.sentences,
        "cache": HIT,
        "retrieval": {**retrieval, "cached_from": str(message.pk)},
    }
    for step in wording.steps(message.searched, len(earlier.sources)):
        run.publish("step", {"text": step})
    run.announce([dict(source) for source in earlier.sources])
    for kind, data in pieces(dict(earlier.body), 0):
        if kind == "citation":
            run.cite(earlier.quotes[data["number"]])
        else:
            run.write(data["text"])
    return Ending(
        state=Message.State.DONE,
        outcome=Message.Outcome.ANSWERED,
        model=message.model,
        confidence=message.confidence,
        sentences=sentences,
    )


async def keep(run: Run, desk: Desk, asked: tuple[Job, Look], ending: Ending) -> Ending:
    """Let an answer be given again where it may be; what it rests on must still be the same."""
    job, look = asked
    if look.key and may_be_shared(run, job, ending):
        try:
            key = await desk.cpu(partial(key_of, job))
        except DatabaseError:
            logger.exception("message %s is not shared", run.message_id)
        else:
            run.fields = {**run.fields, "share_key": key if key == look.key else ""}
    return ending


def may_be_shared(run: Run, job: Job, ending: Ending) -> bool:
    """Whether an answer is whole, came from where it was meant to, and holds nothing private."""
    first = job.models[0].name if job.models else EXTRACTIVE
    is_whole = (
        ending.state == Message.State.DONE
        and ending.outcome == Message.Outcome.ANSWERED
        and ending.model == first
        and bool(run.quotes)
        and not (ending.notice or ending.degraded)
    )
    safety = run.fields.get("safety", {})
    judged = safety.get("moderation", {}).values()
    is_clean = "orders" not in safety and not any(
        one.get("flagged") or "failed" in one for one in judged
    )
    # What a site's own function says may be the web's, of this minute, or for this asker alone.
    tools = run.fields.get("retrieval", {}).get("tools", [])
    is_ours = not any(tool["site"] or tool["error"] or tool["degraded"] for tool in tools)
    return is_whole and is_clean and is_ours and not run.was_redacted


def earlier_answer(job: Job, key: str) -> Earlier | None:
    """The newest answer under a key that this asker may be given."""
    since = timezone.now() - timedelta(hours=settings.ANSWER_CACHE_HOURS)
    rows = (
        Message.objects.filter(
            share_key=key,
            state=Message.State.DONE,
            created_at__gt=since,
            session__is_active=True,
        )
        .exclude(feedback__rating=-1)
        .order_by("-created_at")[:_LOOKED_AT]
    )
    for row in rows:
        if not _is_disliked(row, since):
            found = _as_readable(row, job)
            if found is not None:
                return found
    return None


def _is_disliked(row: Message, since: Any) -> bool:
    """Whether a reader who was given it again has pressed the thumb that points down."""
    given = Message.objects.filter(cache=HIT, created_at__gt=since)
    return Feedback.objects.filter(
        message__in=given, rating=-1, message__retrieval__cached_from=str(row.pk)
    ).exists()


def _as_readable(row: Message, job: Job) -> Earlier | None:
    """The answer as this asker may see it; None where anything that it rests on is not for them."""
    citations = list(Citation.objects.filter(message=row).order_by("number"))
    cited = {one.number: _passage_span(one) for one in citations}
    given = [*row.retrieval.get("candidates", []), *told_by_tools(row.retrieval)]
    spans = [*cited.values(), *(_span(one) for one in given)]
    read = read_spans(spans, user=job.user)
    if not citations or any(read[span].gone is not None for span in spans):
        return None
    row.options = {**row.options, "include_sources": True}
    body = reading.answer(row, user=job.user)
    is_same = body["message"] == row.text and len(body["sources"]) == len(citations)
    if not is_same or any(source["gone"] for source in body["sources"]):
        return None
    quotes = {one.number: _quoted(one, read[cited[one.number]]) for one in citations}
    if any(one is None for one in quotes.values()):
        return None
    kept = {number: one for number, one in quotes.items() if one is not None}
    return Earlier(row, body, kept, candidates(row.retrieval, user=job.user))


def _span(found: Mapping[str, Any]) -> Span:
    start, end = found.get("start", 0), found.get("end", 1)
    return Span(found["document_id"], found["document_version"], start, end)


def _passage_span(citation: Citation) -> Span:
    place = (citation.passage_start, citation.passage_end)
    return Span(citation.document_id, citation.version_number, *place)


def _quoted(citation: Citation, read: SpanText) -> Quoted | None:
    """A footnote anew, from the version's text as it is read now."""
    if citation.version_id is None or read.text is None:
        return None
    passage = Passage(
        chunk_id="",
        document_id=citation.document_number,
        version_id=citation.version_id,
        document_version=citation.version_number,
        title=read.title,
        heading=citation.heading,
        page=citation.page,
        text=read.text,
        start=citation.passage_start,
        end=citation.passage_end,
        score=citation.score,
        uploaded_at=read.uploaded_at,
        review_by=read.review_by,
        is_overdue=read.is_overdue,
    )
    return Quoted(citation.number, passage, citation.start, citation.end)
