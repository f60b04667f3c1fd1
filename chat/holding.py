"""The strict policy: each sentence is checked before it is shown, and said anew at most once.

A sentence that its passages do not support is given to a model with them; what that makes of it is
checked again and shown only if it is supported. All of it is bounded, and what fails is dropped:
so is a sentence whose check broke, as nothing is known of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from chat import prompted
from chat.calls import Request, ask_model
from chat.checking import judged, tested
from chat.desks import Desk
from chat.generation.prompts import new_marker
from chat.generation.sentences import Sentence, marks_in
from chat.generation.support import rewording
from chat.generation.support.checking import Checked
from chat.generation.support.computed import with_computed
from chat.runs import Run
from knowledge.passages import Passage

MOST_REWORDED = 3  # sentences of an answer: each holds the rest back
SECONDS = 6.0  # for one; the readers wait


@dataclass
class StrictGate:
    """Asked of each sentence of one answer, one after the other."""

    desk: Desk
    run: Run
    unchecked: int = 0  # sentences that were dropped since their check broke
    _asked: int = 0

    async def __call__(self, words: str, cited: Mapping[int, Passage]) -> str | None:
        """What may be shown of a sentence; see ``chat.generation.support.holding.Gate``."""
        support = await self.support(words, cited)
        if support is None:
            self.unchecked += 1
            return None
        if support != "unsupported":
            return words
        return await self._reworded(words, cited)

    async def support(self, words: str, cited: Mapping[int, Passage]) -> str | None:
        """The verdict, of a model too where it is asked for that; None where the check broke."""
        checked = await self._checked(words, cited)
        if checked is None:
            return None
        judgement = await judged(checked, self.desk, self.run, is_shown=False)
        return judgement[0].sentence.support

    async def tested(self, words: str, cited: Mapping[int, Passage]) -> str | None:
        """The verdict of what no model is asked for; None where the check broke."""
        checked = await self._checked(words, cited)
        return checked[0].sentence.support if checked else None

    async def _checked(self, words: str, cited: Mapping[int, Passage]) -> list[Checked] | None:
        sentence = Sentence(0, len(words), tuple(cited), "unknown" if cited else "unsupported")
        checked = await self.desk.cpu(partial(tested, words, [sentence], cited))
        if checked is None:
            return None
        return await self.desk.cpu(partial(with_computed, checked, self.run.computed))

    async def _reworded(self, words: str, cited: Mapping[int, Passage]) -> str | None:
        """Another sentence that the passages do support; a row of a table is not made anew."""
        if not cited or words.lstrip().startswith("|") or self._asked >= MOST_REWORDED:
            return None
        self._asked += 1
        trace, marker = self.run.trace, new_marker()
        recipe = partial(prompted.reword, trace, marker, words, cited)
        request = Request(
            purpose="reword",
            messages=rewording.request(words, cited, marker),
            max_tokens=rewording.MAX_TOKENS,
            seconds=SECONDS,
            message_id=self.run.message_id,
            tell=partial(trace.asked, recipe),
        )
        reply = await ask_model(self.desk, request)
        said = rewording.read(reply or "", words, tuple(cited))
        if not said:
            return None
        rests_on = {number: cited[number] for number in marks_in(said)}
        return said if await self.support(said, rests_on) == "supported" else None


def gate(desk: Desk, run: Run) -> StrictGate | None:
    """What holds a sentence back until it was checked; None where all are shown at once."""
    return StrictGate(desk, run) if settings.SUPPORT_POLICY == "strict" else None
