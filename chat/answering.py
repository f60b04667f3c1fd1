"""From a question to its answer: search, decide, write or quote. Runs in the runtime's loop.

It writes into a ``Run`` and returns how it ended; rows are touched through the desk alone.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from chat import checking, sharing, wording
from chat.conf import ANSWERABLE, EXTRACTIVE, certainty_in_words
from chat.desks import Desk
from chat.further import further
from chat.general import general
from chat.generation import answer as generation
from chat.generation.quotable import may_be_quoted
from chat.generation.sentences import Sentence, written_sentences
from chat.generation.understanding.merging import Found
from chat.generation.understanding.parted import Rule, quote_parts
from chat.generation.understanding.phrasebook import part_not_found
from chat.holding import gate
from chat.jobs import Job, load
from chat.journal import Ending
from chat.models import Message
from chat.noticing import nothing_left, notice_of, reviewed
from chat.noting import note_held, note_search, stored_search
from chat.putting import Putting, put
from chat.remembering import summarise
from chat.runs import Run, passage_source
from chat.safety import Screen
from chat.talking import talk_in, talked
from chat.titling import entitle
from chat.understanding import Asked, as_stored, find, understand
from chat.writing import Writing, write_with
from knowledge.passages import SearchResult
from knowledge.search import EmbedderUnavailable, embed, nearest, read_on

logger = logging.getLogger(__name__)

_DONE = Message.State.DONE


async def write_answer(run: Run, desk: Desk) -> Ending:
    """Answer a question into its run.

    Errors of a model end in a quoted answer with a notice; others are the caller's.
    """
    return await answer(run, desk, await desk.rows(partial(load, run.message_id, run.row)))


async def answer(run: Run, desk: Desk, job: Job) -> Ending:
    """The same for a job that was read already."""
    run.language = job.language
    run.trace.reached("loaded")
    screen = Screen(run, job)
    try:
        ending = await _screened(run, desk, job, screen)
    finally:
        screen.close()
    return replace(ending, notice=wording.in_language(ending.notice, job.language))


async def _screened(run: Run, desk: Desk, job: Job, screen: Screen) -> Ending:
    refused = screen.orders(await desk.cpu(screen.judge))
    if refused is not None:
        return refused
    talk = talk_in(job)
    if talk:
        return await talked(run, desk, job, talk)
    look = await sharing.look(run, desk, job)
    if look.earlier is not None:
        return await screen.question() or sharing.give(run, look.earlier)
    ending = await _searched(run, desk, job, screen)
    return await sharing.keep(run, desk, (job, look), ending)


async def _searched(run: Run, desk: Desk, job: Job, screen: Screen) -> Ending:
    asked = await understand(job, desk, run.trace)
    run.trace.reached("understood")
    found = await desk.cpu(partial(find, job, asked))
    run.trace.reached("searched")
    _announce(run, job, asked, found)
    run.stage = "answer"
    refused = await screen.question()
    run.trace.reached("admitted")
    if refused is not None:
        return refused
    if job.models:
        run.chores.append(partial(entitle, message_id=run.message_id, trace=run.trace))
    if job.is_summary_due:
        run.chores.append(partial(summarise, message_id=run.message_id, trace=run.trace))
    if not found.passages or found.answerable < ANSWERABLE:
        brought = await further(run, desk, (job, found), screen)
        return brought or await _unanswered(run, desk, (job, found), screen)
    if not job.models:
        return await _quoted(run, desk, found)
    return await _written(run, desk, (job, found), screen)


def _announce(run: Run, job: Job, asked: Sequence[Asked], found: Found) -> None:
    """Tell readers what was found, and note it for the row and the trace."""
    note_search(run.trace, job, asked, found)
    understood = as_stored(job, asked, found)
    if understood:
        run.publish("step", {"text": wording.searched_for(understood["understood"]["shown"])})
    for step in wording.steps(found.searched, len(found.passages)):
        run.publish("step", {"text": step})
    sources = [passage_source(p, None, (p.start, p.end), p.text) for p in found.passages]
    run.announce(sources)
    retrieval = {**stored_search(found), **understood}
    run.fields = {**run.fields, "retrieval": retrieval, "searched": found.searched}


async def _unanswered(run: Run, desk: Desk, asked: tuple[Job, Found], screen: Screen) -> Ending:
    """No document answers: the model may speak for itself where that is wanted."""
    return await general(run, desk, asked, screen) or await _not_found(run, desk, asked[1])


async def _not_found(run: Run, desk: Desk, found: Found) -> Ending:
    near = await desk.cpu(partial(nearest, found, found.query))
    versions = {p.document_id: p.document_version for p in reversed(found.passages)}
    run.write(wording.not_found(found.searched, run.language, found.unknown))
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
    found: Found,
    notice: wording.Notice | None = None,
) -> Ending:
    """The extractive answer."""
    pieces, sentences, lacks = await desk.cpu(partial(_quotes, found, run.language))
    if not sentences:
        return await _not_found(run, desk, found)
    # Noted with the first words: should this process die, they are known for quotes.
    run.model, run.sentences = EXTRACTIVE, tuple(sentences)
    stored = [sentence.as_dict() for sentence in sentences]
    run.fields = {**run.fields, "model": EXTRACTIVE, "prompt_version": "", "sentences": stored}
    for piece in pieces:
        put(run, piece)
    degraded = dict.fromkeys((*found.degraded, *lacks, *(("model",) if notice else ())))
    return _answered(EXTRACTIVE, found, sentences, notice=notice, degraded=tuple(degraded))


def _quotes(
    found: Found, language: str
) -> tuple[list[generation.Piece], list[Sentence], tuple[str, ...]]:
    """The quotes, their sentences, and what could not be used: without an embedder words decide."""
    try:
        return *_quoted_by(found, language, embed), ()
    except EmbedderUnavailable:
        logger.warning("quotes are chosen by words alone: there is no embedding model")
        return *_quoted_by(found, language, None), ("dense",)


def _quoted_by(
    found: Found, language: str, embedder: Any
) -> tuple[list[generation.Piece], list[Sentence]]:
    if found.parts:
        rule = Rule(ANSWERABLE, part_not_found(language))
        pieces, sentences = quote_parts(found.parts, embedder, rule)
        if sentences:
            return pieces, sentences
    passages = read_on(found.query, found.passages, may_be_quoted)
    return generation.quote(found.query, passages, embedder, checking.compared)


def _answered(
    model: str, found: SearchResult, sentences: Sequence[Sentence], **more: Any
) -> Ending:
    return Ending(
        state=_DONE,
        outcome=Message.Outcome.ANSWERED,
        model=model,
        confidence=certainty_in_words(found.certainty),
        sentences=tuple(sentences),
        **{"degraded": found.degraded, **more},
    )


async def _written(run: Run, desk: Desk, asked: tuple[Job, Found], screen: Screen) -> Ending:
    """The answer of a model, or a quoted one where none gives any."""
    job, found = asked

    frame = replace(job.frame, parts=tuple(part.question for part in found.parts))
    strict = gate(desk, run)
    manner = generation.Manner(frame, strict)
    written = await write_with(
        Writing(run, desk, job, found.passages, Putting(run, screen), manner)
    )
    if written.is_not_found:
        return await _unanswered(run, desk, (job, found), screen)
    note_held(run.trace, written, strict)
    if not written.model:
        return await _quoted(run, desk, found, nothing_left(written, strict))
    notice = notice_of(written, strict)
    more: dict[str, Any] = {"tokens_used": written.tokens_used}
    if written.errors:
        more["degraded"] = tuple(dict.fromkeys((*found.degraded, "model")))
    run.trace.reached("written")
    review = await checking.check_answer(run, desk, found.passages)
    run.trace.checked(review.checked)
    run.trace.reached("checked")
    more["notice"] = reviewed(notice, review, job, run.text)
    return _answered(written.model, found, review.sentences, **more)


def unfinished(run: Run, state: str) -> Ending:
    """The end of an answer that was stopped or interrupted: what was said so far stands."""
    return Ending(state=state, model=run.model, sentences=_so_far(run))


def failed(run: Run) -> Ending:
    """The end of an answer that an error of ours broke."""
    notice = wording.SEARCH_FAILED if run.stage == "search" else wording.FAILED
    state = Message.State.FAILED
    notice = wording.in_language(notice, run.language) or notice
    return Ending(state=state, model=run.model, notice=notice, sentences=_so_far(run))


def _so_far(run: Run) -> tuple[Sentence, ...]:
    if run.model == EXTRACTIVE:
        return tuple(sentence for sentence in run.sentences if sentence.end <= len(run.text))
    return tuple(written_sentences(run.text))
