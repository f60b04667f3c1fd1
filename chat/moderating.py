"""The calls of the moderation as a trace keeps them: which text, who was asked, what came, when.

No word of a text is kept, and nothing that a text could be guessed from: how long it was, and the
keyed seal that tells later whether the stored text is the one that was judged.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from chat.generation.moderation import (
    LONGEST,
    Judgement,
    ModerationConfig,
    ModerationFailed,
    Moderator,
)
from chat.generation.prompts import Message
from chat.outgoing import seal
from chat.tracing import Tracer

MOST = 60  # of an answer; one of the longest has forty, and the question's
NOTED = "moderations"  # where they stand in the body of a trace
RUNNING, DONE, FAILED, GIVEN_UP = "running", "done", "failed", "given_up"


@dataclass
class Moderations:
    """Asks the moderation about the texts of one answer, and notes each call as it begins."""

    moderator: Moderator
    trace: Tracer
    _began: list[float] = field(default_factory=list)

    async def judge(self, what: str, text: str) -> Judgement:
        """The judgement on the question, or on the answer as far as it goes.

        Raises:
            ModerationFailed: as ``Moderator.judge``.
        """
        at = self._begun(what, text)
        try:
            judgement = await self.moderator.judge(text)
        except asyncio.CancelledError:
            self._ended(at, {"outcome": GIVEN_UP})
            raise
        except ModerationFailed as error:
            self._ended(at, {"outcome": FAILED, "failed": str(error)})
            raise
        categories = list(judgement.categories)
        said = {"outcome": DONE, "flagged": judgement.is_flagged, "categories": categories}
        self._ended(at, said)
        return judgement

    def give_up(self) -> None:
        """None of those that are still running is waited for any more."""
        for at, one in enumerate(self._listed):
            if one["outcome"] == RUNNING:
                self._ended(at, {"outcome": GIVEN_UP})

    @property
    def _listed(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.trace.read(NOTED, [])
        return listed

    def _begun(self, what: str, text: str) -> int:
        at = len(self._began)
        self._began.append(monotonic())
        self.trace.add(NOTED, _entry(self.moderator.config, what, text), MOST)
        return at

    def _ended(self, at: int, found: Mapping[str, Any]) -> None:
        """Once: what is given up is cancelled a moment later."""
        listed = self._listed
        if at < len(listed) and listed[at]["outcome"] == RUNNING:
            ms = round((monotonic() - self._began[at]) * 1000)
            ended = {**listed[at], **found, "ms": ms}
            self.trace.note(**{NOTED: [*listed[:at], ended, *listed[at + 1 :]]})


def sent_of(text: str) -> str:
    """The part of a text that is sent: its end, where it is very long."""
    return text[-LONGEST:]


def sealed(text: str) -> str:
    return seal(Message("user", sent_of(text)))


def _entry(config: ModerationConfig, what: str, text: str) -> dict[str, Any]:
    return {
        "what": what,  # question or answer
        "characters": len(text),  # how far of it
        "seal": sealed(text),
        "model": config.model,
        "host": urlsplit(config.base_url).hostname or "",
        "personal_data": config.guard.personal_data,
        "phone_region": config.guard.phone_region,
        "outcome": RUNNING,
    }
