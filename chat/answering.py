"""From a question to its answer: search, decide, write or quote. Runs in the runtime's loop.

It writes into a ``Run`` and returns how it ended; rows are touched through the desk alone.
"""

import logging
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from chat import checking, wording
from chat.conf import ANSWERABLE, EXTRACTIVE
from chat.desks import Desk
from chat.generation import answer as generation
from chat.generation.context import Turn
from chat.generation.sentences import Sentence, written_sentences
from chat.jobs import Job, load
from chat.journal import Ending
from chat.models import Message
from chat.runs import Quoted, Run, passage_source
from chat.safety import Screen
from chat.writing import Writing, write_with
from knowledge.passages import Passage, SearchResult
from knowledge.search import EmbedderUnavailable, embed, nearest, search

logger = logging.getLogger(__name__)

FOLLOW_UP_WORDS = 12  # a question longer than this is taken to stand on its own
BARE_WORDS = 3  # "For contractors?": too little to be asked by itself
_LEANS = re.compile(
    r"^\s*(?:and|but|or|so|then|also|why|what about|how about|what if)\b"
    r"|\b(?:it|its|they|them|their|that|this|those|these|there|he|she|his|her|ones?|else|same)\b",
    re.IGNORECASE,
)
HIGH, MEDIUM = 0.85, 0.65  # of `answerable`
_DONE = Message.State.DONE


async def write_answer(run: Run, desk: Desk) -> Ending:
    """Answer a question into its run.

    Errors of a model end in a quoted answer with a notice; others are the caller's.
    """
    job = await desk.rows(partial(load, run.message_id))
    screen = Screen(run, job)
    try:
        return await _screened(run, desk, job, screen)
    finally:
        screen.close()


async def _screened(run: Run, desk: Desk, job: Job, screen: Screen) -> Ending:
    refused = screen.orders(await desk.cpu(screen.judge))
    if refused is not None:
        return refused
    query, found = await desk.cpu(partial(_find, job))
    _announce(run, query, found)
    run.stage = "answer"
    refused = await screen.question()
    if refused is not None:
        return refused
    if not found.passages or found.answerable < ANSWERABLE:
        return await _not_found(run, desk, query, found)
    if not job.models:
        return await _quoted(run, desk, query, found)
    return await _written(run, desk, (job, query, found), screen)


def _find(job: Job) -> tuple[str, SearchResult]:
    """Search for the question; for a short one that finds nothing, with the one before it."""
    look = partial(search, user=job.user, limit=job.top_k, filters=job.filters)
    found = look(job.question)
    if found.answerable >= ANSWERABLE or not _may_follow_up(job.question, job.turns):
        return job.question, found
    longer = f"{job.turns[-1].question} {job.question}"
    wider = look(longer)
    return (longer, wider) if wider.answerable >= ANSWERABLE else (job.question, found)


def _may_follow_up(question: str, turns: tuple[Turn, ...]) -> bool:
    """Whether a short question leans on the one before it; another subject must not be joined."""
    words = question.split()
    if not turns or len(words) > FOLLOW_UP_WORDS:
        return False
    return len(words) <= BARE_WORDS or bool(_LEANS.search(question))


def _announce(run: Run, query: str, found: SearchResult) -> None:
    """Tell readers what was found, and note it for the row."""
    for step in wording.steps(found.searched, len(found.passages)):
        run.publish("step", {"text": step})
    sources = [passage_source(p, None, (p.start, p.end), p.text) for p in found.passages]
    run.announce(sources)
    run.fields = {**run.fields, "retrieval": _trace(query, found), "searched": found.searched}


def _trace(query: str, found: SearchResult) -> dict[str, Any]:
    """The search as it is kept with the message: places and scores, and headings, no text."""
    return {
        "query": query,
        "answerable": round(found.answerable, 4),
        "took_ms": round(found.took_ms, 1),
        "build_id": found.build_id,
        "candidates": [_candidate(passage) for passage in found.passages],
    }


def _candidate(passage: Passage) -> dict[str, Any]:
    scores = passage.scores
    return {
        "chunk_id": passage.chunk_id,
        "document_id": passage.document_id,
        "document_version": passage.document_version,
        "heading": passage.heading,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "score": round(min(1.0, max(0.0, passage.score)), 4),
        "scores": {
            "dense": scores.dense,
            "lexical": scores.lexical,
            "fused": scores.fused,
            "rerank": scores.rerank,
        },
    }


async def _not_found(run: Run, desk: Desk, query: str, found: SearchResult) -> Ending:
    near = await desk.cpu(partial(nearest, found, query))
    versions = {p.document_id: p.document_version for p in reversed(found.passages)}
    run.write(wording.not_found(found.searched))
    return Ending(
        state=_DONE,
        outcome=Message.Outcome.NOT_FOUND,
        model=EXTRACTIVE,
        confidence="low",
        nearest=tuple(
            {
                "document_id": one.document_id,
                "document_version": versions[one.document_id],
                "title": one.title,
                "url": one.url,
                "why": one.why,
            }
            for one in near
            if one.document_id in versions
        ),
        degraded=found.degraded,
    )


async def _quoted(
    run: Run,
    desk: Desk,
    query: str,
    found: SearchResult,
    notice: wording.Notice | None = None,
) -> Ending:
    """The extractive answer."""
    pieces, sentences, lacks = await desk.cpu(partial(_quotes, query, found.passages))
    if not sentences:
        return await _not_found(run, desk, query, found)
    # Noted with the first words: should this process die, they are known for quotes.
    run.model, run.sentences = EXTRACTIVE, tuple(sentences)
    stored = [sentence.as_dict() for sentence in sentences]
    run.fields = {**run.fields, "model": EXTRACTIVE, "prompt_version": "", "sentences": stored}
    for piece in pieces:
        _apply(run, piece)
    degraded = dict.fromkeys((*found.degraded, *lacks, *(("model",) if notice else ())))
    return _answered(EXTRACTIVE, found, sentences, notice=notice, degraded=tuple(degraded))


def _quotes(
    query: str, passages: Sequence[Passage]
) -> tuple[list[generation.Piece], list[Sentence], tuple[str, ...]]:
    """The quotes, their sentences, and what could not be used: without an embedder words decide."""
    try:
        return *generation.quote(query, passages, embed), ()
    except EmbedderUnavailable:
        logger.warning("quotes are chosen by words alone: there is no embedding model")
        return *generation.quote(query, passages, None), ("dense",)


def _answered(
    model: str, found: SearchResult, sentences: Sequence[Sentence], **more: Any
) -> Ending:
    return Ending(
        state=_DONE,
        outcome=Message.Outcome.ANSWERED,
        model=model,
        confidence=_confidence(found.answerable),
        sentences=tuple(sentences),
        **{"degraded": found.degraded, **more},
    )


async def _written(
    run: Run, desk: Desk, asked: tuple[Job, str, SearchResult], screen: Screen
) -> Ending:
    """The answer of a model, or a quoted one where none gives any."""
    job, query, found = asked

    async def take(piece: generation.Piece | None) -> None:
        if piece is not None:
            _apply(run, piece)
        await screen.written(is_last=piece is None)

    gate = checking.gate(desk, run.message_id)
    written = await write_with(Writing(run, desk, job, found.passages, take, gate))
    if written.is_not_found:
        return await _not_found(run, desk, query, found)
    if not written.model:
        return await _quoted(run, desk, query, found, written.notice)
    notice = wording.left_out(written.left_out, written.notice)
    more: dict[str, Any] = {"tokens_used": written.tokens_used, "notice": notice}
    if written.errors:
        more["degraded"] = tuple(dict.fromkeys((*found.degraded, "model")))
    sentences = await checking.check_answer(run, desk, found.passages)
    return _answered(written.model, found, sentences, **more)


def _apply(run: Run, piece: generation.Piece) -> None:
    if isinstance(piece, generation.Words):
        run.write(piece.text)
    elif isinstance(piece, generation.Cited):
        run.cite(Quoted(piece.number, piece.passage, piece.start, piece.end))


def _confidence(answerable: float) -> str:
    if answerable >= HIGH:
        return "high"
    return "medium" if answerable >= MEDIUM else "low"


def unfinished(run: Run, state: str) -> Ending:
    """The end of an answer that was stopped or interrupted: what was said so far stands."""
    return Ending(state=state, model=run.model, sentences=_so_far(run))


def failed(run: Run) -> Ending:
    """The end of an answer that an error of ours broke."""
    notice = wording.SEARCH_FAILED if run.stage == "search" else wording.FAILED
    state = Message.State.FAILED
    return Ending(state=state, model=run.model, notice=notice, sentences=_so_far(run))


def _so_far(run: Run) -> tuple[Sentence, ...]:
    if run.model == EXTRACTIVE:
        return tuple(sentence for sentence in run.sentences if sentence.end <= len(run.text))
    return tuple(written_sentences(run.text))
