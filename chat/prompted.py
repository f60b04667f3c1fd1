"""What each request of an answer is put together from, as its trace keeps it.

A recipe names places of passages, ids of turns and keys of kept words; ``chat.reassembly`` puts the
request together again from it. Each is made when the request goes out (``Tracer.asked``).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from chat.generation import prompts
from chat.generation.answer import Sent
from chat.generation.context import Context, Turn
from chat.generation.results import Numbered, Piece
from chat.generation.support.checking import Checked
from chat.generation.toolcalls import ToolCall
from chat.outgoing import Outgoing, place_of
from chat.tracing import EARLIER, Tracer
from knowledge.passages import Passage

if TYPE_CHECKING:
    from chat.jobs import Job


def title(marker: str) -> dict[str, Any]:
    """A request for a title: of the question alone."""
    return {"kind": "title", "marker": marker}


def rewrite(marker: str, part: int, turns: Sequence[Turn]) -> dict[str, Any]:
    """A request for a standalone question; ``part`` is its place among those of the message."""
    return {"kind": "rewrite", "marker": marker, "part": part, "turns": [one.of for one in turns]}


def summary(
    trace: Tracer, marker: str, told: tuple[Sequence[Turn], str], room: int
) -> dict[str, Any]:
    """A request for a summary of older turns, and of an earlier one if there was any."""
    turns, earlier = told
    return {
        "kind": "summary",
        "marker": marker,
        "turns": [one.of for one in turns],
        "earlier": trace.keep(earlier, EARLIER) if earlier else "",
        "room": room,
    }


def general(context: Context, job: "Job") -> dict[str, Any]:
    """A request for the model's own knowledge."""
    return {
        "kind": "general",
        "marker": "",
        "summary_window": 0,
        **_context(context, 0, len(job.turns)),
    }


def judge(
    trace: Tracer, marker: str, asked: Sequence[Checked], *, is_shown: bool
) -> dict[str, Any]:
    """A request for verdicts. Where the answer is out its sentences are places in it; those that
    are held back stand nowhere else.
    """
    return {
        "kind": "judge",
        "marker": marker,
        "sentences": [
            {
                **(
                    {"start": one.sentence.start, "end": one.sentence.end}
                    if is_shown
                    else {"words": trace.keep(one.words)}
                ),
                "passages": [place_of(passage) for passage in one.passages],
            }
            for one in asked
        ],
    }


def reword(trace: Tracer, marker: str, words: str, cited: Mapping[int, Passage]) -> dict[str, Any]:
    """A request to say a sentence anew."""
    return {
        "kind": "reword",
        "marker": marker,
        "words": trace.keep(words),
        "cited": [{"number": number, **place_of(one)} for number, one in cited.items()],
    }


class AnswerCalls:
    """The requests for one answer: the prompt, and what each further round puts behind it."""

    def __init__(self, trace: Tracer, job: "Job", found: int) -> None:
        self._trace, self._job, self._found = trace, job, found
        self._sent: Sent | None = None
        self._base: int | None = None
        self._fresh: list[dict[str, Any]] = []

    def opened(self, sent: Sent) -> None:
        """What the first request is made of; it goes out next."""
        self._sent = sent

    def heard(self, message: prompts.Message, pieces: Sequence[Piece]) -> None:
        """A message that goes behind the prompt: calls of the model, or what one brought."""
        if message.calls:
            said = self._trace.keep(message.content) if message.content else ""
            calls = self._trace.keep([_call(one) for one in message.calls])
            self._fresh.append({"said": said, "calls": calls})
        else:
            self._fresh.append({"pieces": [self._piece(one) for one in pieces]})

    def going(self, out: Outgoing) -> None:
        """One of them goes out."""
        if self._sent is not None:
            self._base = self._trace.asked(partial(self._opening, self._sent, out), out)
            self._sent = None
            return
        fresh, self._fresh = self._fresh, []
        if self._base is not None:
            recipe = {"kind": "round", "base": self._base, "added": fresh}
            self._trace.asked(lambda: recipe, out)

    def _opening(self, sent: Sent, out: Outgoing) -> dict[str, Any]:
        frame = sent.context.frame
        return {
            "kind": "answer",
            "marker": sent.marker,
            "voice": self._job.voice.version,
            "summary_window": out.config.window if frame.summary else 0,
            "tokens": sum(frame.count(message.content) for message in out.messages),
            **_context(sent.context, self._found, len(self._job.turns)),
        }

    def _piece(self, one: Piece) -> dict[str, Any]:
        if isinstance(one, Numbered):
            passage = one.passage
            self._trace.gave([(passage.document_id, passage.document_version)])
            return {"number": one.number, **place_of(passage)}
        return {"words": self._trace.keep(one)}


def _call(one: ToolCall) -> dict[str, str]:
    return {"id": one.id, "name": one.name, "arguments": one.arguments, "extra": one.extra}


def _context(context: Context, found: int, recalled: int) -> dict[str, Any]:
    frame = context.frame
    return {
        "passages": [place_of(passage) for passage in context.passages],
        "passages_left_out": found - len(context.passages),
        "turns": [turn.of for turn in context.turns],
        "turns_left_out": recalled - len(context.turns),
        "parts": len(frame.parts),
        "language": frame.language,
    }
