"""Small talk: answered by a fixed phrase, without a search, a model or a source."""

from functools import partial
from typing import Any

from chat.conf import EXTRACTIVE
from chat.generation.understanding.phrasebook import small_talk
from chat.generation.understanding.smalltalk import Talk, talk_of
from chat.jobs import Job
from chat.journal import Ending
from chat.models import Message
from chat.runs import Run
from knowledge.search import Example, examples, shelf

NAME = "Footnote"  # what the assistant is called
_EXAMPLES = 3


def talk_in(job: Job) -> Talk | None:
    """What kind of small talk a question is, if it is nothing else."""
    return talk_of(job.question, job.voice.name or NAME)


async def talked(run: Run, desk: Any, job: Job, talk: Talk) -> Ending:
    """The reply to small talk.

    Documents that are named as examples are kept as the nearest ones of an answer are: read again
    whenever it is shown, and forgotten with the document.
    """
    documents = 0
    found: tuple[Example, ...] = ()
    if talk is Talk.ABILITIES:
        documents, found = await desk.rows(partial(_shelf, job.user))
    run.announce([])
    run.write(small_talk(job.language, talk, job.voice.name or NAME, documents))
    return Ending(
        state=Message.State.DONE,
        outcome=Message.Outcome.GENERAL,
        model=EXTRACTIVE,
        confidence="",
        nearest=tuple(_near(one) for one in found),
    )


def _shelf(user: Any) -> tuple[int, tuple[Example, ...]]:
    return shelf(user).documents, examples(user, limit=_EXAMPLES)


def _near(one: Example) -> dict[str, Any]:
    return {
        "document_id": one.document_id,
        "document_version": one.document_version,
        "title": one.title,
        "url": one.url,
        "why": one.about,
    }
