"""What of the conversation and the passages fits into a model's window, by counted tokens."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from knowledge.passages import Passage

Count = Callable[[str], int]

ANSWER_TOKENS = 700
HISTORY_TURNS = 5  # ten messages
HISTORY_TOKENS = 2000
_OVERHEAD = 12  # tokens around each passage and message: markers, number, title


@dataclass(frozen=True)
class Turn:
    """A question of the conversation and what was answered."""

    question: str
    answer: str


@dataclass(frozen=True)
class Context:
    """What goes into the prompt: passages numbered from 1 in this order, turns oldest first."""

    passages: tuple[Passage, ...] = ()
    turns: tuple[Turn, ...] = field(default=())


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, rather too many than too few.

    English has about four characters a token, other scripts down to one; a third of the code
    points and at least one a character outside Latin is on the safe side.
    """
    wide = sum(1 for character in text if ord(character) > 0x24F)
    return math.ceil((len(text) - wide) / 3.2) + wide


def fit(
    passages: Sequence[Passage],
    turns: Sequence[Turn],
    *,
    fixed: str,
    window: int,
    count: Count = estimate_tokens,
) -> Context:
    """Choose passages (best first) and turns (latest first) that fit.

    Args:
        passages: ranked, best first. The first one always goes in.
        turns: oldest first.
        fixed: instructions and question, which always go in.
        window: the model's window in tokens, the answer included.
        count: tokens of a text.
    """
    room = window - ANSWER_TOKENS - count(fixed) - 4 * _OVERHEAD
    kept_turns = _latest(turns, min(HISTORY_TOKENS, room // 3), count)
    room -= sum(_size(turn, count) for turn in kept_turns)
    kept: list[Passage] = []
    for passage in passages:
        size = count(passage.text) + count(f"{passage.title} {passage.heading}") + _OVERHEAD
        if kept and size > room:
            break
        kept.append(passage)
        room -= size
    return Context(tuple(kept), kept_turns)


def _latest(turns: Sequence[Turn], room: int, count: Count) -> tuple[Turn, ...]:
    kept: list[Turn] = []
    for turn in reversed(turns[-HISTORY_TURNS:]):
        room -= _size(turn, count)
        if room < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))


def _size(turn: Turn, count: Count) -> int:
    return count(turn.question) + count(turn.answer) + 2 * _OVERHEAD
