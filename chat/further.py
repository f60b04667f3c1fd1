"""Where the first search answers nothing: a model with functions may look further.

The model gets the question and none of the poor passages. What it writes is shown only from the
first sentence on that rests on something that a function brought: a passage that the sentence
cites, a figure that was computed, a title of the list. Where nothing does, none of it was ever
shown, and the answer is the one that it would have been without.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from django.conf import settings

from chat import checking, wording
from chat.calls import CountedModel
from chat.conf import ANSWERABLE, certainty_in_words
from chat.desks import Desk
from chat.generation import answer as generation
from chat.generation.llm import ModelError
from chat.generation.support.grounds import Grounds
from chat.generation.understanding.merging import Found
from chat.holding import StrictGate, gate
from chat.jobs import Job
from chat.journal import Ending
from chat.models import Message
from chat.noticing import reviewed
from chat.noting import note_held
from chat.putting import Putting
from chat.runs import Run
from chat.safety import Screen
from chat.tools.further import FurtherTools
from chat.writing import Writing, Written, cut, write_once
from knowledge.passages import Passage

logger = logging.getLogger(__name__)


async def further(run: Run, desk: Desk, asked: tuple[Job, Found], screen: Screen) -> Ending | None:
    """What a model found with functions; None where it found nothing, or may not look."""
    job, found = asked
    # What is known of a neighbouring code is no answer to a question that names another one.
    model = None if found.unknown else _model(desk, job)
    if model is None:
        return None
    tools = FurtherTools(run, desk, job, ANSWERABLE, grounds=_grounds(job, found))
    run.grounds = tools.grounds
    resting = RestingGate(desk, run, tools, gate(desk, run))
    frame = replace(job.frame, parts=tuple(part.question for part in found.parts))
    manner = generation.Manner(frame, resting)
    writing = Writing(run, desk, job, (), Held(Putting(run, screen), resting), manner)
    written = await _written(writing, model, tools)
    note_held(run.trace, written, resting.strict or resting.checks)
    is_found = not written.is_not_found and bool(run.text.strip())
    run.trace.note(further="found" if is_found else "nothing")
    if not is_found:
        _forget(run)
        return None
    return await _ended(writing, written, tools)


def _model(desk: Desk, job: Job) -> CountedModel | None:
    """The conversation's own model, where it may call functions now; no other takes its place."""
    if settings.TOOLS_WHEN_NOT_FOUND != "on" or not settings.TOOL_ROUNDS or not job.models:
        return None
    config = job.models[0]
    ratio = job.framed(job.frame, config.name).ratio
    model = CountedModel(desk, config, "answer", job.message_id, voice=job.voice, ratio=ratio)
    return model if model.takes_tools else None


def _grounds(job: Job, found: Found) -> Grounds:
    """What the reader has said, and was told: a figure of it may be reckoned with."""
    turns = [words for turn in job.turns for words in (turn.question, turn.answer) if words]
    return Grounds([job.question, found.query, *turns])


async def _written(writing: Writing, model: CountedModel, tools: FurtherTools) -> Written:
    """Let the model write; how it failed is kept, and said where something was shown before."""
    run, name = writing.run, model.config.name
    run.model = name
    written = Written(model=name)
    try:
        await write_once(writing, model, written, tools)
    except ModelError as error:
        logger.warning("%s found nothing for message %s: %s", name, run.message_id, error)
        run.trace.failed(name, error)
        written.errors.append(error)
        written.notice = cut(error)
    return written


def _forget(run: Run) -> None:
    """Nothing of the attempt stays with the answer but its calls."""
    run.model, run.grounds = "", None
    run.fields = {**run.fields, "model": "", "prompt_version": ""}


async def _ended(writing: Writing, written: Written, tools: FurtherTools) -> Ending:
    run, job = writing.run, writing.job
    run.trace.reached("written")
    review = await checking.check_answer(run, writing.desk, tools.passages)
    run.trace.checked(review.checked)
    run.trace.reached("checked")
    notice = wording.groundless(written.left_out, written.notice)
    notice = wording.reworded(written.reworded, notice)
    notice = wording.from_web(notice) if tools.used_web else notice
    return Ending(
        state=Message.State.DONE,
        outcome=Message.Outcome.ANSWERED,
        model=written.model,
        confidence=certainty_in_words(tools.certainty),
        notice=reviewed(notice, review, job, run.text),
        sentences=review.sentences,
        tokens_used=written.tokens_used,
        degraded=("model",) if written.errors else (),
    )


@dataclass
class RestingGate:
    """Asked of each sentence before it is shown: whether it rests on what functions brought.

    One that cites nothing and says nothing that a function brought is the model's own, and is
    dropped. One that a passage does not support is treated as everywhere: marked when it is shown,
    or said anew or dropped by the strict policy. ``rests`` from the first good one on.
    """

    desk: Desk
    run: Run
    tools: FurtherTools
    strict: StrictGate | None
    rests: bool = False
    checks: StrictGate = field(init=False)

    def __post_init__(self) -> None:
        self.checks = StrictGate(self.desk, self.run)

    async def __call__(self, words: str, cited: Mapping[int, Passage]) -> str | None:
        """What may be shown of a sentence; see ``chat.generation.support.holding.Gate``."""
        if not cited:
            carried = await self.desk.cpu(partial(self.tools.grounds.carry, words))
            self.rests = self.rests or bool(carried)
            return words if carried else None
        if self.strict is not None:
            kept = await self.strict(words, cited)
            self.rests = self.rests or kept is not None
            return kept
        support = await self.checks.tested(words, cited)
        self.rests = self.rests or support not in {None, "unsupported"}
        return words


@dataclass
class Held:
    """Keeps all pieces back until a sentence rests on something, and for good where none does."""

    putting: Putting
    resting: RestingGate
    _kept: list[generation.Piece] = field(default_factory=list)

    async def __call__(self, piece: generation.Piece | None) -> None:
        """Take a piece.

        Raises:
            Objectionable: as ``Screen.written``.
        """
        if not self.resting.rests:
            if isinstance(piece, generation.Words | generation.Cited):
                self._kept.append(piece)
            elif piece is not None:
                await self.putting(piece)
            return
        kept, self._kept = self._kept, []
        for one in kept:
            await self.putting(one)
        await self.putting(piece)
