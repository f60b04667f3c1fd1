"""Personal data taken out of what is sent to a model, and put back into what it writes.

``jane@example.org`` leaves as ``[EMAIL_1]``; the same value has the same name in all messages of a
call, and the answer gets it back while it streams, wherever a token ends.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chat.generation.guard import Guard
from chat.generation.modelconfig import PersonalData
from chat.generation.personal_data import KINDS, find
from chat.generation.prompts import Message
from chat.generation.toolcalls import ToolCall

_NAMES = "|".join((*KINDS, "TEXT"))
_PLACEHOLDER = re.compile(rf"\[(?:{_NAMES})_\d{{1,5}}\]")
# As models write it: escaped, in other brackets, or with none.
_WRITTEN = re.compile(
    rf"(?:\\?\[|【)(?P<a>{_NAMES})\\?_(?P<i>\d{{1,5}})(?:\\?\]|】)"
    rf"|(?<![A-Za-z0-9_])(?P<b>{_NAMES})\\?_(?P<j>\d{{1,5}})(?![A-Za-z0-9_])"
)
_STARTS = "|".join(
    sorted({name[:n] for name in (*KINDS, "TEXT") for n in range(1, len(name) + 1)}, key=len)
)
_MAY_GO_ON = re.compile(rf"(?:\\|(?:\\?\[|【)?(?:{_STARTS})?(?:(?<=[A-Z])\\?_?\d{{0,5}}\\?)?)\Z")
_LONGEST = 16  # code points of a placeholder as it may be written


@dataclass
class Shield:
    """What one call to a model hides. ``counts`` is how many values of each kind it found."""

    region: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _values: dict[str, str] = field(default_factory=dict)

    @property
    def hides(self) -> bool:
        return bool(self._names)

    def hide(self, messages: Sequence[Message]) -> list[Message]:
        """The messages with names instead of values; CPU work of up to a tenth of a second."""
        return [
            replace(
                one,
                content=self.hidden(one.content),
                calls=tuple(replace(c, arguments=self.hidden(c.arguments)) for c in one.calls),
            )
            for one in messages
        ]

    def hidden(self, text: str) -> str:
        """A text with names instead of values."""
        parts: list[str] = []
        at = 0
        for start, end, kind in sorted([*self._found(text), *self._literal(text)]):
            if start >= at:
                parts += [text[at:start], self._name(kind, text[start:end])]
                at = end
        return "".join(parts) + text[at:]

    def _found(self, text: str) -> list[tuple[int, int, str]]:
        return [(one.start, one.end, one.kind) for one in find(text, region=self.region)]

    def _literal(self, text: str) -> list[tuple[int, int, str]]:
        """What looks like a name of ours already: it must not be taken for somebody's value."""
        return [(at.start(), at.end(), "TEXT") for at in _PLACEHOLDER.finditer(text)]

    def _name(self, kind: str, value: str) -> str:
        key = (kind, value if kind == "TEXT" else re.sub(r"[\s\-./()]", "", value).casefold())
        if key not in self._names:
            number = 1 + sum(1 for other, _ in self._names if other == kind)
            self._names[key] = f"{kind}_{number}"
            self._values[self._names[key]] = value
            if kind != "TEXT":
                self.counts[kind] += 1
        return f"[{self._names[key]}]"

    def restored(self, text: str) -> str:
        """A whole text with the values put back."""
        return _WRITTEN.sub(self._value, text)

    def _value(self, found: re.Match[str]) -> str:
        name = f"{found['a'] or found['b']}_{found['i'] or found['j']}"
        return self._values.get(name, found.group())


@dataclass
class Restoring:
    """Tokens in with ``feed``, final text out; ``close`` gives what was held back."""

    shield: Shield
    _held: str = ""
    _before: str = ""  # the last character that went out: a name does not begin inside a word

    def feed(self, token: str) -> str:
        self._held += token
        if not self.shield.hides:
            return self._give(len(self._held))
        tail = _MAY_GO_ON.search(self._held, max(0, len(self._held) - _LONGEST))
        return self._give(tail.start() if tail else len(self._held))

    def calls(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        """Whole calls with the values put back into their arguments."""
        if not self.shield.hides:
            return tuple(calls)
        return tuple(replace(c, arguments=self.shield.restored(c.arguments)) for c in calls)

    @property
    def was_redacted(self) -> bool:
        return bool(self.shield.counts)

    def close(self) -> str:
        return self._give(len(self._held))

    def _give(self, length: int) -> str:
        text = self._before + self._held[:length]
        self._held = self._held[length:]
        restored = self.shield.restored(text)[len(self._before) :]
        self._before = text[-1:]
        return restored


async def guarded(messages: Sequence[Message], guard: Guard) -> tuple[Sequence[Message], Restoring]:
    """The messages as they may leave, and what puts back what they hide.

    Every call to a model goes through here, whatever it is for.

    Raises:
        PersonalData: see ``Guard.personal_data``.
    """
    shield = Shield(guard.phone_region)
    if guard.personal_data == "off":
        return messages, Restoring(shield)
    hidden = await asyncio.to_thread(shield.hide, messages)
    if guard.personal_data == "block" and shield.counts:
        raise PersonalData("personal data must not be sent to this model")
    return hidden, Restoring(shield)
