"""An answer made once more, on today's index and settings, with its asker's permissions.

Nothing of it is written to the conversation: it has a run of its own that no process keeps, and no
lease. What its calls of models cost is in the ledger under the purpose ``replay``, on the budgets
of who ordered it and never on the asker's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from chat import answering, conf
from chat.accounts import Account, paying
from chat.comparing import Comparison, Made, compare
from chat.conf import ANSWERABLE, EXTRACTIVE
from chat.desks import Desk
from chat.jobs import Job, load
from chat.judgements import in_words
from chat.models import Citation, Message, Trace
from chat.noting import note_search, stored_search
from chat.reading import answer
from chat.runs import Run
from chat.understanding import as_stored, find, understand

PURPOSE = "replay"


class CannotReplay(Exception):
    """The message is none that can be answered again; the words say why."""


@dataclass(frozen=True)
class Wish:
    """What is to be made again: all of it, or the search alone; by a model of the list by name."""

    search_only: bool = False
    model: str = ""
    paid_by: int | None = None  # a user's id; None: on the budget of all together alone


def known_models() -> list[str]:
    """The names that ``Wish.model`` may have."""
    return [*(model.name for model in conf.models_for("answer")), EXTRACTIVE]


def stage(message_id: UUID, wish: Wish) -> Run:
    """A run for an answer that can be made again; its log tells how far it is.

    Raises:
        CannotReplay: there is no such answer, it is not finished, or its asker is gone.
    """
    message = (
        Message.objects.filter(pk=message_id).select_related("session__user", "question").first()
    )
    if message is None:
        raise CannotReplay("There is no message with this id. It may have been deleted.")
    if message.role != Message.Role.ASSISTANT or message.question is None:
        raise CannotReplay("This message is a question. Give the id of its answer.")
    if not message.session.is_active:
        raise CannotReplay("The conversation of this answer was deleted.")
    if not message.session.user.is_active:
        raise CannotReplay("The account of the asker was deactivated, so nothing may be shown.")
    if message.state == Message.State.RUNNING:
        raise CannotReplay("This answer is still being written. Try again in a minute.")
    if wish.model and wish.model not in known_models():
        names = ", ".join(known_models())
        raise CannotReplay(f"There is no model {wish.model} that writes answers. Known: {names}.")
    return Run(message.pk, message.session_id, message.session.user_id)


async def again(run: Run, desk: Desk, wish: Wish) -> Comparison:
    """Make the answer of a staged run once more, and say what is different."""
    paying.set(Account(PURPOSE, wish.paid_by))
    job = await desk.rows(partial(_job, run.message_id, wish))
    made = await (_searched(run, desk, job) if wish.search_only else _answered(run, desk, job))
    before = await desk.rows(partial(_before, run.message_id))
    comparison = compare(before, made, search_only=wish.search_only)
    return replace(comparison, question=job.question)


def _job(message_id: UUID, wish: Wish) -> Job:
    job = replace(load(message_id), is_fresh=True)
    if not wish.model:
        return job
    models = tuple(model for model in conf.models_for("answer") if model.name == wish.model)
    return replace(job, models=models, model=wish.model)


async def _searched(run: Run, desk: Desk, job: Job) -> Made:
    asked = await understand(job, desk, run.trace)
    run.trace.reached("understood")
    found = await desk.cpu(partial(find, job, asked))
    run.trace.reached("searched")
    note_search(run.trace, job, asked, found)
    would = "answered" if found.passages and found.answerable >= ANSWERABLE else "not_found"
    retrieval = {**stored_search(found), **as_stored(job, asked, found)}
    return _made(run, retrieval, outcome=would)


async def _answered(run: Run, desk: Desk, job: Job) -> Made:
    ending = await answering.answer(run, desk, job)
    return _made(
        run,
        run.fields.get("retrieval", {}),
        outcome=ending.outcome or "",
        state=ending.state,
        model=ending.model,
        text=run.text,
        confidence=ending.confidence,
        notice=ending.notice["detail"] if ending.notice else "",
        moderation=in_words(run.fields.get("safety", {})),
        supports=tuple(sentence.support for sentence in ending.sentences),
        sources=tuple(
            _source(number, quoted.passage.document_id, quoted.passage.title, quoted.start)
            for number, quoted in sorted(run.quotes.items())
        ),
        milliseconds=run.milliseconds,
    )


def _made(run: Run, retrieval: dict[str, Any], **more: Any) -> Made:
    noted = run.trace.noted().body
    return Made(
        queries=_queries(retrieval),
        answerable=retrieval.get("answerable"),
        build=retrieval.get("build_id"),
        candidates=tuple(retrieval.get("candidates", [])),
        stages=noted["stages"],
        **more,
    )


def _before(message_id: UUID) -> Made:
    """The answer as it stands, with what its asker may see of it now."""
    message = Message.objects.select_related("session__user").get(pk=message_id)
    body = answer(message, user=message.session.user)
    trace = Trace.objects.filter(message=message).first()
    citations = Citation.objects.filter(message=message).order_by("number")
    return Made(
        queries=_queries(message.retrieval),
        answerable=message.retrieval.get("answerable"),
        build=message.retrieval.get("build_id"),
        candidates=tuple(message.retrieval.get("candidates", [])),
        stages=trace.body.get("stages", {}) if trace else {},
        outcome=message.outcome or "",
        state=message.state,
        model=message.model,
        text=body["message"],
        confidence=message.confidence,
        notice=(message.notice or {}).get("detail", ""),
        moderation=in_words(message.safety),
        supports=tuple(sentence["support"] for sentence in body["sentences"]),
        sources=tuple(
            _source(one.number, one.document_number, one.title, one.start) for one in citations
        ),
        milliseconds=message.processing_time,
    )


def _source(number: int, document_id: int, title: str, start: int) -> dict[str, Any]:
    return {"number": number, "document_id": document_id, "title": title, "start": start}


def _queries(retrieval: dict[str, Any]) -> Sequence[str]:
    understood = retrieval.get("understood", {})
    return tuple(understood.get("queries") or [retrieval.get("query", "")])
