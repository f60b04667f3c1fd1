"""What is looked at before a question is answered, and while its answer is written.

A message that tries to give orders is marked, or answered with a sentence; the provider's
moderation is asked about the question and about the answer. What was found is kept with the
answer as words and counts (``Message.safety``), never with anyone's text.
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import cache
from time import monotonic
from typing import Any, Protocol

from django.conf import settings

from chat import wording
from chat.conf import guard_of
from chat.generation.llm import ModelError
from chat.generation.moderation import Judgement, ModerationConfig, ModerationFailed, Moderator
from chat.journal import Ending
from chat.models import Message
from chat.moderating import Moderations
from chat.runs import Run
from knowledge.orders.detector import Verdict, judge

logger = logging.getLogger(__name__)

# An answer is looked at again after so many code points: about a paragraph, six checks at most.
INTERVAL = 500


class Objectionable(ModelError):
    """The moderation objects to what the model has written, or did not answer and must."""


class _Asked(Protocol):
    @property
    def question(self) -> str: ...


def note(run: Run, found: Mapping[str, Any]) -> None:
    """Keep something with the answer's row; fields are never changed in place."""
    run.fields = {**run.fields, "safety": {**run.fields.get("safety", {}), **found}}


@cache  # like the models of the runtime, of which there are as few
def _moderator(config: ModerationConfig) -> Moderator:
    return Moderator(config)


def moderator() -> Moderator | None:
    """The one of the settings; None where no text is moderated."""
    if not settings.MODERATION_MODEL:
        return None
    return _moderator(
        ModerationConfig(
            model=settings.MODERATION_MODEL,
            api_key=settings.OPENAI_API_KEY,
            base_url=settings.OPENAI_BASE_URL,
            seconds=settings.MODERATION_TIMEOUT_MS / 1000,
            guard=guard_of(settings.OPENAI_BASE_URL),
        )
    )


class Screen:
    """What looks at one question and its answer. ``close`` it, whatever happens."""

    def __init__(self, run: Run, job: _Asked) -> None:
        self._run = run
        self._text = job.question
        asked = moderator()
        self._moderations = Moderations(asked, run.trace) if asked else None
        self._question = self._begin("question", self._text)
        self._answer: asyncio.Task[Judgement] | None = None
        self._seen = 0
        self._checks = 0

    def _begin(self, what: str, text: str) -> "asyncio.Task[Judgement] | None":
        if self._moderations is None:
            return None
        task = asyncio.create_task(self._moderations.judge(what, text))
        # One that is given up may have failed already; nobody asks it then.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    def close(self) -> None:
        """Give up what is still being asked."""
        for task in (self._question, self._answer):
            if task is not None:
                task.cancel()
        if self._moderations is not None:
            self._moderations.give_up()

    def judge(self) -> Verdict | None:
        """Whether the message gives orders; some milliseconds of CPU work for a long one."""
        return None if settings.INJECTION_POLICY == "off" else judge(self._text)

    def orders(self, verdict: Verdict | None) -> Ending | None:
        """Mark a message that gives orders; the end of the answer where that is not taken."""
        if verdict is None or not verdict.is_order:
            return None
        is_blocked = settings.INJECTION_POLICY == "block"
        manners = list(verdict.families)
        note(self._run, {"orders": {"score": round(verdict.score, 3), "manners": manners}})
        return refused(self._run, wording.ORDERS) if is_blocked else None

    async def question(self) -> Ending | None:
        """Wait for the judgement on the question; the end of the answer where it is objected to."""
        if self._question is None:
            return None
        is_refused = await self._judged("question", self._question)
        if not is_refused:
            return None
        found = self._run.fields["safety"]["moderation"]["question"]
        is_unknown = "failed" in found
        notice = wording.NOT_MODERATED if is_unknown else wording.QUESTION_MODERATED
        return refused(self._run, notice)

    async def written(self, *, is_last: bool = False) -> None:
        """Look at an answer that grows; the text goes on while the moderation thinks.

        Raises:
            Objectionable: what was written until now is objected to.
        """
        if self._moderations is None:
            return
        if self._answer is not None and (is_last or self._answer.done()):
            task, self._answer = self._answer, None
            await self._take(task)
        text = self._run.text
        if len(text) - self._seen >= (1 if is_last else INTERVAL) and self._answer is None:
            self._seen = len(text)
            self._checks += 1
            self._answer = self._begin("answer", text)
            if is_last and self._answer is not None:
                task, self._answer = self._answer, None
                await self._take(task)

    async def _take(self, task: "asyncio.Task[Judgement]") -> None:
        if await self._judged("answer", task):
            raise Objectionable("the moderation objects to the answer")

    async def _judged(self, what: str, task: "asyncio.Task[Judgement]") -> bool:
        """Whether the text is refused, noted with the answer."""
        began = monotonic()
        found: dict[str, Any] = {}
        try:
            judgement = await task
        except ModerationFailed as error:
            logger.warning(
                "the %s of message %s was not moderated: %s", what, self._run.message_id, error
            )
            found["failed"] = str(error)
            is_refused = settings.MODERATION_ON_FAILURE == "block"
        else:
            is_refused = judgement.is_flagged
            found |= {"flagged": is_refused, "categories": list(judgement.categories)}
        found["waited_ms"] = round((monotonic() - began) * 1000)
        if what == "answer":
            found["checks"] = self._checks
        note(
            self._run,
            {
                "moderation": {
                    **self._run.fields.get("safety", {}).get("moderation", {}),
                    what: found,
                }
            },
        )
        return is_refused


def refused(run: Run, notice: wording.Notice) -> Ending:
    """A finished answer of one sentence: what was asked is not answered, and why."""
    run.write(notice["detail"])
    return Ending(
        state=Message.State.DONE,
        outcome=Message.Outcome.GENERAL,
        confidence="low",
        notice=notice,
    )
