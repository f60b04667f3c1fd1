"""A request put together again from what its trace refers to, and whether it is the one sent.

So a passage, a message or a text that was erased is erased here too. Where the result is not what
was sent, the reasons that can be known are given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chat.generation import prompts, titling
from chat.generation.answer import SUMMARY_SHARE
from chat.generation.context import Context, Frame, Turn
from chat.generation.redacting import Shield
from chat.generation.results import Numbered, Piece, as_told
from chat.generation.sentences import Sentence
from chat.generation.support import judging, rewording
from chat.generation.support.checking import Checked
from chat.generation.toolcalls import ToolCall
from chat.generation.understanding import memory, rewriting
from chat.materials import TAKEN_OUT, Materials, Missing
from chat.models import Message, Trace
from chat.outgoing import seal

Stored = Mapping[str, Any]
_TAKEN_OUT = "What stood in this request alone was taken out, with a document that may be in it."
_FORGOTTEN = (
    "A summary of the conversation is no longer there: a document that was in it was removed, or "
    "the reader cleared the memory."
)
_CHANGED = (
    "A message, what its reader may see of it, a document's place or title, or the way in which "
    "requests are put together has changed since."
)


@dataclass(frozen=True)
class Part:
    """A message of a request; ``is_sent`` where it is, letter by letter, the one that was sent.

    ``is_repeated`` where the request before it in the same answer has it already.
    """

    message: prompts.Message
    is_sent: bool
    is_repeated: bool = False

    @property
    def role(self) -> str:
        return self.message.role

    @property
    def content(self) -> str:
        return self.message.content

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return self.message.calls


@dataclass(frozen=True)
class Prompt:
    """One request; ``stored`` is what its trace says of it."""

    stored: Stored
    parts: tuple[Part, ...]
    missing: Missing = field(default_factory=Missing)
    hidden: Mapping[str, int] = field(default_factory=dict)  # personal data, by kind

    @property
    def is_sent(self) -> bool:
        """Whether all of it is as it was sent."""
        return len(self.parts) == len(self.stored["seals"]) and all(p.is_sent for p in self.parts)

    @property
    def was_blocked(self) -> bool:
        """Whether it was not sent at all, for the personal data in it."""
        return self.stored["personal_data"] == "block" and bool(self.hidden)

    @property
    def gone(self) -> int:
        """Passages that are no longer there."""
        return self.missing.passages

    @property
    def fresh(self) -> tuple[Part, ...]:
        """What the request before it did not have."""
        return tuple(part for part in self.parts if not part.is_repeated)

    @property
    def repeated(self) -> int:
        """How many of its messages the request before it had."""
        return len(self.parts) - len(self.fresh)

    @property
    def reasons(self) -> list[str]:
        """Why it is not as it was sent, in sentences; empty where it is."""
        if self.is_sent:
            return []
        gone = self.missing
        told = [
            _counted(gone.passages, "passage was", "passages were", "removed since."),
            _counted(gone.turns, "earlier message is", "earlier messages are", "no longer there."),
            _TAKEN_OUT if gone.words else "",
            _FORGOTTEN if gone.memory else "",
        ]
        known = [one for one in told if one]
        return known or [_CHANGED]


def _counted(number: int, one: str, several: str, rest: str) -> str:
    return f"{number} {one if number == 1 else several} {rest}" if number else ""


def prompts_of(message: Message, trace: Trace) -> list[Prompt]:
    """The requests for an answer, the first one first. The message comes with its question."""
    materials = Materials(message, trace)
    listed = trace.body.get("prompts", [])
    return [_prompt(materials, listed, at) for at in range(len(listed))]


def _prompt(materials: Materials, listed: Sequence[Stored], at: int) -> Prompt:
    stored = listed[at]
    materials.missing = Missing()
    built, repeated = _built(materials, listed, at)
    seals = stored["seals"]
    known = [at < len(seals) and seal(one) == seals[at] for at, one in enumerate(built)]
    shield = Shield(stored["phone_region"])
    policy = stored["personal_data"]
    hidden = shield.hide(built) if policy != "off" else built
    parts = tuple(
        Part(one, is_sent, is_repeated=number < repeated)
        for number, (one, is_sent) in enumerate(
            zip(hidden if policy == "redact" else built, known, strict=True)
        )
    )
    return Prompt(stored, parts, materials.missing, dict(shield.counts))


def _built(
    materials: Materials, listed: Sequence[Stored], at: int
) -> tuple[list[prompts.Message], int]:
    """The messages, and how many of the first of them the request before it had."""
    stored = listed[at]
    if stored["kind"] != "round":
        return _with_head(materials, stored, _BUILDERS[stored["kind"]](materials, stored)), 0
    base = listed[stored["base"]]
    built = _with_head(materials, base, _answer(materials, base))
    rounds = [one for one in listed[: at + 1] if one.get("base") == stored["base"]]
    for one in rounds:
        before = len(built)
        built += _added(materials, base, one["added"])
    return built, before


def _with_head(
    materials: Materials, stored: Stored, built: Sequence[prompts.Message]
) -> list[prompts.Message]:
    """The rules as they were then, whatever this release has in their place."""
    kept = materials.instruction(stored["instruction"])
    head = prompts.Message("system", built[0].content if kept is None else kept)
    return [head, *built[1:]]


def _answer(materials: Materials, stored: Stored) -> list[prompts.Message]:
    passages = materials.passages(stored["passages"])
    context = Context(passages, materials.turns(stored["turns"]), _frame(materials, stored))
    omits = bool(stored["omits_orders"])
    return prompts.build(materials.question, context, stored["marker"], omits_orders=omits)


def _general(materials: Materials, stored: Stored) -> list[prompts.Message]:
    turns = materials.turns(stored["turns"])
    return prompts.build_general(materials.question, turns, Frame(language=stored["language"]))


def _frame(materials: Materials, stored: Stored) -> Frame:
    window = stored["summary_window"]
    return Frame(
        summary=memory.cut(materials.summary(), window // SUMMARY_SHARE) if window else "",
        parts=materials.parts if stored["parts"] else (),
        language=stored["language"],
    )


def _title(materials: Materials, stored: Stored) -> list[prompts.Message]:
    return titling.request(materials.question, stored["marker"])


def _rewrite(materials: Materials, stored: Stored) -> list[prompts.Message]:
    parts, at = materials.parts, stored["part"]
    earlier = [Turn(part, "") for part in parts[:at]]
    turns = (*materials.turns(stored["turns"]), *earlier)
    question = parts[at] if at < len(parts) else materials.question
    return rewriting.request(question, turns, stored["marker"])


def _summary(materials: Materials, stored: Stored) -> list[prompts.Message]:
    turns, earlier = materials.turns(stored["turns"]), materials.earlier(stored["earlier"])
    return memory.request(turns, earlier, stored["room"], stored["marker"])


def _judge(materials: Materials, stored: Stored) -> list[prompts.Message]:
    asked = [
        Checked(
            Sentence(0, 0, (), "unknown"),
            _sentence(materials, one),
            passages=materials.passages(one["passages"]),
        )
        for one in stored["sentences"]
    ]
    return judging.messages(asked, stored["marker"])


def _sentence(materials: Materials, stored: Stored) -> str:
    if "words" in stored:
        return materials.text(stored["words"])
    return materials.message.text[stored["start"] : stored["end"]]


def _reword(materials: Materials, stored: Stored) -> list[prompts.Message]:
    passages = materials.passages(stored["cited"])
    numbers = [one["number"] for one in stored["cited"]]
    cited = dict(zip(numbers, passages, strict=True))
    return rewording.request(materials.text(stored["words"]), cited, stored["marker"])


def _added(materials: Materials, base: Stored, added: Sequence[Stored]) -> list[prompts.Message]:
    """What a round put behind the prompt: calls of functions, and what each of them brought."""
    built: list[prompts.Message] = []
    ids: list[str] = []
    for one in added:
        if "calls" in one:
            calls = [ToolCall(**call) for call in materials.words(one["calls"]) or []]
            ids = [call.id for call in calls]
            said = materials.text(one["said"]) if calls else TAKEN_OUT
            built.append(prompts.Message("assistant", said, calls=tuple(calls)))
        else:
            pieces = [_piece(materials, piece) for piece in one["pieces"]]
            omits = bool(base["omits_orders"])
            words = as_told(pieces, base["marker"], omits_orders=omits)
            built.append(prompts.Message("tool", words, answers=ids.pop(0) if ids else ""))
    return built


def _piece(materials: Materials, stored: Stored) -> Piece:
    if "words" in stored:
        return materials.text(stored["words"])
    return Numbered(stored["number"], materials.passages([stored])[0])


_BUILDERS: Mapping[str, Callable[[Materials, Stored], list[prompts.Message]]] = {
    "answer": _answer,
    "general": _general,
    "title": _title,
    "rewrite": _rewrite,
    "summary": _summary,
    "judge": _judge,
    "reword": _reword,
}
