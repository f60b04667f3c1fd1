"""Functions that a model may call: how they are offered, and its calls put together from a stream.

OpenAI's protocol sends a call in pieces: first its index, id and name, then its arguments as pieces
of JSON text under the same index. Others differ, and each difference here was seen: Gemini gives no
index and wants a field of its own back, Ollama numbers every call 0 or gives no id, some repeat id
and name with every piece, and some send the arguments as an object.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_CALLS = 8  # of one turn: a question needs two or three; the others are dropped
LONGEST_ARGUMENTS = 4000  # code points; what is cut is no JSON any more, and the model is told so
_LONGEST_NAME = 64  # as OpenAI limits it


@dataclass(frozen=True)
class ToolSpec:
    """A function as it is offered: ``parameters`` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(hash=False)

    def as_dict(self) -> dict[str, Any]:
        said = {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        return {"type": "function", "function": said}


@dataclass(frozen=True)
class ToolCall:
    """A call as the model wrote it: ``arguments`` should be a JSON object, and need not be.

    ``extra`` is what the provider wants to have back with the call, as JSON.
    """

    id: str
    name: str
    arguments: str
    extra: str = ""

    def as_dict(self) -> dict[str, Any]:
        called = {"name": self.name, "arguments": self.arguments or "{}"}
        said: dict[str, Any] = {"id": self.id, "type": "function", "function": called}
        if self.extra:
            said["extra_content"] = json.loads(self.extra)
        return said


@dataclass
class _Slot:
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: str = ""

    @property
    def is_whole(self) -> bool:
        try:
            json.loads(self.arguments)
        except (ValueError, RecursionError):
            return False
        return True


@dataclass(frozen=True)
class _Delta:
    index: int | None
    id: str
    name: str
    arguments: str
    extra: str


@dataclass
class CallAssembler:
    """Push deltas in with ``feed``; ``calls`` are those that came, in their order."""

    dropped: int = 0  # calls beyond the most that are taken
    _slots: list[_Slot] = field(default_factory=list)
    _at: dict[int, _Slot] = field(default_factory=dict)  # the latest slot of each index
    _last: _Slot | None = None

    def feed(self, deltas: Any) -> int:
        """Take what one chunk brought; returns how many code points of arguments that was."""
        size = 0
        for given in deltas if isinstance(deltas, list) else []:
            delta = _read(given)
            size += len(delta.arguments)
            self._add(self._slot(delta), delta)
        return size

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """Each with an id of its own, whatever the server gave."""
        made: list[ToolCall] = []
        taken: set[str] = set()
        for number, slot in enumerate(self._slots, start=1):
            own = slot.id if slot.id and slot.id not in taken else f"call_{number}"
            taken.add(own)
            made.append(ToolCall(own, slot.name, slot.arguments, slot.extra))
        return tuple(made)

    def _slot(self, delta: _Delta) -> _Slot:
        known = self._last if delta.index is None else self._at.get(delta.index)
        if known is None or _begins(delta, known):
            known = _Slot()
            if len(self._slots) < MOST_CALLS:
                self._slots.append(known)
            else:
                self.dropped += 1
        if delta.index is not None:
            self._at[delta.index] = known
        self._last = known
        return known

    def _add(self, slot: _Slot, delta: _Delta) -> None:
        slot.id = slot.id or delta.id
        slot.name = slot.name or delta.name
        slot.extra = slot.extra or delta.extra
        slot.arguments = (slot.arguments + delta.arguments)[:LONGEST_ARGUMENTS]


def _begins(delta: _Delta, known: _Slot) -> bool:
    """Whether a piece is the first of another call than the one that its index names."""
    if delta.id and known.id:
        return delta.id != known.id
    # Without ids: a name comes once, unless a server repeats it before the arguments are whole.
    return bool(delta.name and known.name and known.is_whole)


def _read(given: Any) -> _Delta:
    """One delta, which the client has not validated."""
    function = _field(given, "function")
    index = _field(given, "index")
    arguments = _field(function, "arguments")
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return _Delta(
        index=index if isinstance(index, int) else None,
        id=_words(_field(given, "id")),
        name=_words(_field(function, "name"))[:_LONGEST_NAME],
        arguments=_words(arguments),
        extra=_json(_field(given, "extra_content")),
    )


def _field(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else getattr(given, name, None)


def _words(value: Any) -> str:
    """A text without halves of surrogate pairs, which no row and no wire takes."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "ignore").decode("utf-8")


def _json(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else ""
