"""What of the conversation and the passages fits into a model's window, by counted tokens."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from knowledge.passages import Passage

Count = Callable[[str], int]

ANSWER_TOKENS = 700
_OVERHEAD = 24  # tokens around each passage and turn: markers, numbers, roles


@dataclass(frozen=True)
class Turn:
    """A question of the conversation and what was answered; without an answer nothing was found.

    ``titles``, ``headings`` and ``documents`` (number and version) are of what was cited; ``of``
    is the answer's own id.
    """

    question: str
    answer: str
    titles: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    documents: tuple[tuple[int, int], ...] = ()
    of: str = ""


@dataclass(frozen=True)
class Frame:
    """What is known of a question beside its words.

    ``summary`` stands for what was said before the turns; ``parts`` are the questions of a message
    that asks several; ``language`` names the one to answer in; ``ratio`` is how many tokens the
    model's provider counts for one of our estimate. Of the turns the latest ``most_turns`` go in,
    within ``memory_tokens``.
    """

    summary: str = ""
    parts: tuple[str, ...] = ()
    language: str = ""
    ratio: float = 1.0
    most_turns: int = 5  # ten messages
    memory_tokens: int = 2000

    def count(self, text: str) -> int:
        """Tokens of a text as the provider counts them, about."""
        return math.ceil(estimate_tokens(text) * self.ratio)


@dataclass(frozen=True)
class Context:
    """What goes into the prompt: passages numbered from 1 in this order, turns oldest first."""

    passages: tuple[Passage, ...] = ()
    turns: tuple[Turn, ...] = field(default=())
    frame: Frame = field(default_factory=Frame)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, rather too many than too few.

    English has about four characters a token, other scripts down to one; a third of the code
    points and at least one a character outside Latin is on the safe side.
    """
    wide = 0 if text.isascii() else sum(map((0x24F).__lt__, map(ord, text)))
    return math.ceil((len(text) - wide) / 3.2) + wide


def fit(
    passages: Sequence[Passage],
    turns: Sequence[Turn],
    *,
    fixed: str,
    window: int,
    frame: Frame | None = None,
) -> Context:
    """Choose passages (best first) and turns (latest first) that fit.

    Args:
        passages: ranked, best first. The first one always goes in.
        turns: oldest first; a third of the room is theirs at most.
        fixed: instructions, question and summary, which always go in.
        window: the model's window in tokens, the answer included.
        frame: what else is known of the question.
    """
    frame = frame or Frame()
    count = frame.count
    room = window - ANSWER_TOKENS - count(fixed) - 4 * _OVERHEAD
    kept_turns = latest(_last(turns, frame.most_turns), min(frame.memory_tokens, room // 3), count)
    room -= sum(turn_tokens(turn, count) for turn in kept_turns)
    kept: list[Passage] = []
    for passage in passages:
        size = (
            count(passage.head + passage.text)
            + count(f"{passage.title} {passage.heading}")
            + _OVERHEAD
        )
        if kept and size > room:
            break
        kept.append(passage)
        room -= size
    return Context(tuple(kept), kept_turns, frame)


def _last(turns: Sequence[Turn], most: int) -> Sequence[Turn]:
    return turns[-most:] if most > 0 else ()


def latest(turns: Sequence[Turn], room: int, count: Count) -> tuple[Turn, ...]:
    """The latest turns that fit into so many tokens, oldest first; always whole ones."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        room -= turn_tokens(turn, count)
        if room < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))


def turn_tokens(turn: Turn, count: Count) -> int:
    """Tokens of a turn with what a request puts around its two messages."""
    return count(turn.question) + count(turn.answer) + _OVERHEAD
