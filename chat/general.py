"""An answer from the model's own knowledge, where the operator allows one: labelled, uncited."""

import logging
from contextlib import aclosing
from typing import Any

from django.conf import settings

from chat import wording
from chat.conf import model_config
from chat.generation import answer as generation
from chat.generation.context import fit
from chat.generation.llm import ModelError
from chat.generation.prompts import GENERAL_RULES, build_general
from chat.jobs import Job
from chat.journal import Ending
from chat.models import Message
from chat.runs import Run
from knowledge.passages import SearchResult

logger = logging.getLogger(__name__)


async def general(run: Run, desk: Any, job: Job, found: SearchResult) -> Ending | None:
    """The model's own answer; None where none is wanted, or no model gives one.

    Its marks are dropped: there is no source that they could point at. What it says is labelled by
    the notice that stands with it, in any case.
    """
    config = model_config(job.model)
    if settings.WHEN_NOT_FOUND != "general" or config is None or run.text:
        return None
    context = fit(
        (), job.turns, fixed=GENERAL_RULES + job.question, window=config.window, frame=job.frame
    )
    messages = build_general(job.question, context.turns, job.frame)
    run.model = config.name
    run.fields = {**run.fields, "model": config.name}
    writer = generation.Writer(())
    used, notice = 0, wording.GENERAL
    try:
        async with aclosing(desk.model(config).write(messages)) as tokens:
            async for token in tokens:
                used = token.tokens_used or used
                _say(run, writer.feed(token.text))
        _say(run, writer.close())
    except ModelError as error:
        logger.warning("model failed for message %s: %s", run.message_id, error)
        _say(run, writer.rest())
        notice = wording.GENERAL_CUT
    if not run.text.strip():
        return None
    return Ending(
        state=Message.State.DONE,
        outcome=Message.Outcome.GENERAL,
        model=config.name,
        confidence="low",
        notice=notice,
        tokens_used=used,
        degraded=found.degraded,
    )


def _say(run: Run, pieces: Any) -> None:
    for piece in pieces:
        if isinstance(piece, generation.Words):
            run.write(piece.text)
