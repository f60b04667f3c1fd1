"""What comes out of a model, piece by piece, made safe to store and to send."""

import re
from dataclasses import dataclass
from typing import Any

from chat.generation.modelconfig import ModelFailed
from chat.generation.toolcalls import ToolCall

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_THOUGHT, _THOUGHT_END = "<think>", "</think>"


@dataclass(frozen=True)
class Token:
    """A piece of the answer. The last ones carry the provider's own count, in tokens, the calls of
    functions, and whether personal data was hidden from the model.
    """

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    calls: tuple[ToolCall, ...] = ()
    was_redacted: bool = False

    @property
    def tokens_used(self) -> int:
        return self.tokens_in + self.tokens_out


class Cleaner:
    """Tokens without what no row and no wire takes: lone surrogates and control characters.

    Newline and tab stay. Half of a pair waits for the other half in the next token.
    """

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        whole = text[: len(text) - len(self._half)]
        if not whole.isascii():
            # Joins the halves of pairs and leaves out halves that stand alone.
            whole = whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
        return _CONTROL.sub("", whole)


class Thoughts:
    """Leaves out what some servers put before the answer: ``<think> … </think>``."""

    def __init__(self) -> None:
        self._held: str | None = ""  # None: the answer has begun

    def feed(self, text: str) -> str:
        """What of this is answer."""
        if self._held is None:
            return text
        self._held += text
        said = self._held.lstrip()
        if not said.startswith(_THOUGHT[: len(said)]):
            return self.rest()
        _, end, answer = said.partition(_THOUGHT_END)
        if not end:
            # Only what can tell whether the thought ends is kept of it.
            self._held = said if len(said) < 40 else _THOUGHT + said[-len(_THOUGHT_END) :]
            return ""
        self._held = None
        return answer.lstrip()

    def rest(self) -> str:
        """What was held back and was no thought."""
        held, self._held = self._held or "", None
        return "" if held.lstrip().startswith(_THOUGHT) else held


class Measure:
    """Ends an answer without an end, whatever the server makes of ``max_tokens``.

    No honest answer has twice the estimated tokens that it may have: the estimate is at most 1.6
    times the tokens of a common tokenizer.
    """

    def __init__(self, max_tokens: int) -> None:
        self._most = 2 * max_tokens
        self._narrow = 0
        self._wide = 0

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return bool(self._narrow or self._wide)

    def add(self, text: str) -> None:
        """Count a piece.

        Raises:
            ModelFailed: this is too much.
        """
        wide = 0 if text.isascii() else sum(1 for character in text if ord(character) > 0x24F)
        self._wide += wide
        self._narrow += len(text) - wide
        if self._narrow / 3.2 + self._wide > self._most:
            raise ModelFailed("the answer has no end", is_fault=False)


@dataclass(frozen=True)
class Piece:
    """One chunk of a stream."""

    text: str
    tokens_in: int
    tokens_out: int
    finished: str
    is_alive: bool  # something was generated, if only a thought
    calls: Any = None  # deltas of calls, as they came


def read_piece(event: Any) -> Piece:
    """What one chunk holds: JSON that nobody has validated."""
    usage = _field(event, "usage")
    counts = (_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))
    choices = _field(event, "choices")
    if not isinstance(choices, list) or not choices:
        return Piece("", *counts, "", is_alive=False)
    delta = _field(choices[0], "delta")
    text = _field(delta, "content")
    thought = _field(delta, "reasoning_content") or _field(delta, "reasoning")
    calls = _field(delta, "tool_calls")
    reason = _field(choices[0], "finish_reason")
    return Piece(
        text if isinstance(text, str) else "",
        *counts,
        reason if isinstance(reason, str) else "",
        is_alive=bool(text or thought or calls),
        calls=calls,
    )


def _field(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else None


def _count(usage: Any, name: str) -> int:
    found = _field(usage, name)
    return found if isinstance(found, int) and 0 <= found < 10**9 else 0
