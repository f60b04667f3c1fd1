"""An answer by a model: one model after the other until one of them writes it.

Once a word was shown no other model is asked: a second beginning would contradict the first.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from time import monotonic

from chat import wording
from chat.calls import CountedModel
from chat.conf import cheaper_models
from chat.desks import Desk
from chat.generation import answer as generation
from chat.generation.llm import ModelConfig, ModelError, ModelTimeout
from chat.generation.modelconfig import BudgetExhausted, PersonalData, TooLong, ToolsRefused
from chat.jobs import Job
from chat.prompted import AnswerCalls
from chat.runs import Run
from chat.safety import Objectionable
from chat.tools.answering import AnswerTools
from knowledge.passages import Passage

logger = logging.getLogger(__name__)

Apply = Callable[[generation.Piece | None], Awaitable[None]]


@dataclass(frozen=True)
class Writing:
    """What is to be written, from what, and where the pieces go.

    ``apply`` gets each piece, and None when the answer is whole. It may raise a ``ModelError`` to
    end the answer: what was shown then stands as cut.
    """

    run: Run
    desk: Desk
    job: Job
    passages: Sequence[Passage]
    apply: Apply
    manner: generation.Manner


@dataclass
class Written:
    """How it went. ``model`` is empty where none wrote anything."""

    model: str = ""
    tokens_used: int = 0
    left_out: int = 0  # sentences that their passages do not support
    reworded: int = 0  # sentences that were said anew
    is_not_found: bool = False  # the model says that the passages do not answer
    used_web: bool = False
    notice: wording.Notice | None = None
    errors: list[ModelError] = field(default_factory=list)


async def write_with(writing: Writing) -> Written:
    """Let the models of the job write, in their order."""
    run = writing.run
    waiting = list(writing.job.models)
    until = monotonic() + (waiting[0].whole_seconds if waiting else 0.0)
    result = Written()
    while waiting and monotonic() < until:
        config = waiting.pop(0)
        try:
            await _one(writing, config, result)
        except ModelError as error:
            logger.warning("%s failed for message %s: %s", config.name, run.message_id, error)
            result.errors.append(error)
            run.trace.failed(config.name, error)
            if run.text.strip():
                result.model = config.name
                result.notice = cut(error)
                return result
            if isinstance(error, BudgetExhausted):
                waiting = cheaper_models(config, waiting, writing.job.models)
        else:
            if result.left_out and not run.text.strip():
                result.notice = wording.NOTHING_SUPPORTED
                return result
            result.model = config.name
            result.notice = _written_notice(result)
            return result
    result.notice = _none(result.errors)
    return result


async def _one(writing: Writing, config: ModelConfig, result: Written) -> None:
    """Ask one model, with functions where it can call some and takes them.

    Raises:
        ModelError: also after some text.
    """
    run, job = writing.run, writing.job
    run.model = config.name
    ratio = job.framed(writing.manner.frame, config.name).ratio
    model = CountedModel(
        writing.desk, config, "answer", run.message_id, voice=job.voice, ratio=ratio
    )
    tools = AnswerTools(run, writing.desk, job) if model.takes_tools else None
    if tools is not None and tools.rounds:
        try:
            await write_once(writing, model, result, tools)
        except ToolsRefused:
            if run.text.strip():
                raise
            logger.warning("%s does not take functions; it is asked without them", config.name)
        else:
            return
    await write_once(writing, model, result, None)


async def write_once(
    writing: Writing, model: CountedModel, result: Written, tools: AnswerTools | None
) -> None:
    """Let one model write, with these functions.

    Raises:
        ModelError: also after some text.
    """
    run, job = writing.run, writing.job
    version = f"{job.prompt_version}+{tools.name}" if tools else job.prompt_version
    run.fields = {**run.fields, "model": model.config.name, "prompt_version": version}
    calls = AnswerCalls(run.trace, job, len(writing.passages))
    model = replace(model, tell=calls.going)
    frame = job.framed(writing.manner.frame, model.config.name)
    manner = replace(writing.manner, frame=frame, toolbox=tools, heard=calls.heard)
    pieces = generation.written(job.question, writing.passages, job.turns, model, manner)
    async with aclosing(pieces) as stream:
        async for piece in stream:
            if isinstance(piece, generation.Sent):
                calls.opened(piece)
            elif isinstance(piece, generation.NotFound):
                result.is_not_found = True
            elif isinstance(piece, generation.Used):
                result.tokens_used = piece.tokens
            elif isinstance(piece, generation.LeftOut):
                result.left_out, result.reworded = piece.sentences, piece.reworded
            await writing.apply(piece)
    if not (result.is_not_found or result.left_out or run.text.strip()):
        raise ModelError("nothing of it is an answer")
    result.used_web = bool(tools and tools.used_web)
    await writing.apply(None)


def _written_notice(result: Written) -> wording.Notice | None:
    """What is to be said of an answer that is whole."""
    notice = None
    if result.errors:
        notice = wording.written_by_another(_code(result.errors[0]), result.model)
    return wording.from_web(notice) if result.used_web else notice


def _code(error: ModelError) -> str:
    return _none([error])["code"]


def cut(error: ModelError) -> wording.Notice:
    if isinstance(error, Objectionable):
        return wording.ANSWER_MODERATED
    return wording.CUT_BY_TIMEOUT if isinstance(error, ModelTimeout) else wording.CUT


def _none(errors: Sequence[ModelError]) -> wording.Notice:
    """Why the documents are quoted: what happened to the model that was meant to write."""
    first = errors[0] if errors else None
    if isinstance(first, BudgetExhausted):
        return wording.BUDGET
    if isinstance(first, PersonalData):
        return wording.PERSONAL_DATA
    if isinstance(first, TooLong):
        return wording.TOO_LONG
    return wording.MODEL_TIMEOUT if isinstance(first, ModelTimeout) else wording.MODEL_FAILED
