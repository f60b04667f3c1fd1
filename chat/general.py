"""An answer from the model's own knowledge, where the operator allows one: labelled, uncited."""

import logging
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings

from chat import prompted, wording
from chat.calls import CountedModel
from chat.desks import Desk
from chat.generation import answer as generation
from chat.generation.addresses import Addresses
from chat.generation.context import ANSWER_TOKENS, fit
from chat.generation.llm import ModelError
from chat.generation.prompts import GENERAL_RULES, build_general, wishes
from chat.jobs import Job
from chat.journal import Ending
from chat.models import Message
from chat.runs import Run
from chat.safety import Objectionable, Screen
from knowledge.passages import SearchResult

logger = logging.getLogger(__name__)


async def general(
    run: Run, desk: Desk, asked: tuple[Job, SearchResult], screen: Screen
) -> Ending | None:
    """The model's own answer; None where none is wanted, or no model gives one.

    Its marks are dropped: there is no source that they could point at. What it says is labelled by
    the notice that stands with it, in any case. The models of the job are asked in their order
    until one has said something.
    """
    job, found = asked
    if settings.WHEN_NOT_FOUND != "general" or run.text:
        return None
    for config in job.models:
        used, notice = 0, wording.GENERAL
        try:
            used = await _one(
                run, CountedModel(desk, config, "answer", run.message_id), job, screen
            )
        except ModelError as error:
            logger.warning("%s failed for message %s: %s", config.name, run.message_id, error)
            run.trace.failed(config.name, error)
            is_objected = isinstance(error, Objectionable)
            notice = wording.ANSWER_MODERATED if is_objected else wording.GENERAL_CUT
        if run.text.strip():
            return Ending(
                state=Message.State.DONE,
                outcome=Message.Outcome.GENERAL,
                model=config.name,
                confidence="low",
                notice=notice,
                tokens_used=used,
                degraded=found.degraded,
            )
    return None


async def _one(run: Run, model: CountedModel, job: Job, screen: Screen) -> int:
    """Let one model write into the run; the tokens that it used."""
    config = model.config
    frame = job.framed(job.frame, config.name)
    window = config.window + ANSWER_TOKENS - config.answer_tokens
    fixed = f"{GENERAL_RULES}\n{job.question}\n{wishes(frame)}"
    context = fit((), job.turns, fixed=fixed, window=window, frame=frame)
    messages = build_general(job.question, context.turns, frame)
    recipe = partial(prompted.general, context, job)
    model = replace(model, tell=partial(run.trace.asked, recipe), ratio=frame.ratio)
    run.model = config.name
    run.fields = {**run.fields, "model": config.name}
    writer = generation.Writer((), Addresses.of((), config.guard.link_hosts))
    used = 0
    try:
        async with aclosing(model.write(messages)) as tokens:
            async for token in tokens:
                used = token.tokens_used or used
                _say(run, writer.feed(token.text))
                await screen.written()
    except ModelError:
        _say(run, [*writer.send(writer.rest()), *writer.end()])
        raise
    _say(run, writer.close())
    await screen.written(is_last=True)
    return used


def _say(run: Run, pieces: Any) -> None:
    for piece in pieces:
        if isinstance(piece, generation.Words):
            run.write(piece.text)
