"""What of the conversation and the passages fits into a model's window, by counted tokens."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from knowledge.passages import Passage

Count = Callable[[str], int]

ANSWER_TOKENS = 700
# Tokens around them: the two fences of a passage with its number and date, the roles of a turn,
# and the fences and headings of a request. The code of a fence alone has about nine.
_AROUND_PASSAGE, _AROUND_TURN, _AROUND_ALL = 60, 24, 140
_LEAST_PASSAGE = 40  # tokens: a shorter beginning of a passage says nothing
_SIGNS = bytes(code for code in range(33, 127) if not chr(code).isalpha())


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
        """Tokens of a text as the provider counts them, about.

        A ratio below one was learned of prose: it makes no less of code, figures or Chinese.
        """
        letters, others = _letters(text)
        return math.ceil(letters * self.ratio) + math.ceil(others * max(1.0, self.ratio))


@dataclass(frozen=True)
class Context:
    """What goes into the prompt: passages numbered from 1 in this order, turns oldest first."""

    passages: tuple[Passage, ...] = ()
    turns: tuple[Turn, ...] = field(default=())
    frame: Frame = field(default_factory=Frame)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, rather too many than too few.

    English has about four characters a token, other scripts down to one; a third of the code
    points and at least one a character outside Latin is on the safe side. Figures and signs are
    often a token each: code and tables have twice as many as prose of their length.
    """
    letters, others = _letters(text)
    return math.ceil(letters) + others


def _letters(text: str) -> tuple[float, int]:
    """Tokens of Latin letters and blanks, and those of all other characters."""
    narrow = text.encode("ascii", "ignore")
    signs = len(narrow) - len(narrow.translate(None, _SIGNS))
    wide = 0 if text.isascii() else sum(map((0x24F).__lt__, map(ord, text)))
    return (len(text) - wide - signs) / 3.2, wide + signs


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
        passages: ranked, best first. The first one always goes in, its beginning at least.
        turns: oldest first; a third of the room is theirs at most.
        fixed: instructions, question and summary, which always go in.
        window: the model's window in tokens, the answer included.
        frame: what else is known of the question.
    """
    frame = frame or Frame()
    count = frame.count
    room = window - ANSWER_TOKENS - count(fixed) - _AROUND_ALL
    kept_turns = latest(_last(turns, frame.most_turns), min(frame.memory_tokens, room // 3), count)
    room -= sum(turn_tokens(turn, count) for turn in kept_turns)
    kept: list[Passage] = []
    for passage in passages:
        size = _around(passage, count) + count(passage.text)
        if kept and size > room:
            break
        kept.append(passage if size <= room else _beginning(passage, room, count))
        room -= size
    return Context(tuple(kept), kept_turns, frame)


def _around(passage: Passage, count: Count) -> int:
    return count(f"{passage.title} {passage.heading} {passage.head}") + _AROUND_PASSAGE


def _beginning(passage: Passage, room: int, count: Count) -> Passage:
    """What of a passage fits, cut at a blank; all of it where that would be next to nothing."""
    room -= _around(passage, count)
    if room < _LEAST_PASSAGE:
        return passage
    text = passage.text
    while (size := count(text)) > room:
        text = text[: len(text) * room // size]
    whole = text.rsplit(None, 1)[0] if " " in text.strip() else text
    return replace(passage, text=whole, end=passage.start + len(whole))


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
    return count(turn.question) + count(turn.answer) + _AROUND_TURN
