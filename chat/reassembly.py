"""A prompt put together again from what its trace refers to, and whether it is the one sent.

The words of documents come from the versions that are still there, those of the conversation from
its messages as their reader may see them now. So a passage that was erased is erased here too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chat.generation import prompts
from chat.generation.answer import SUMMARY_SHARE
from chat.generation.context import Context, Frame, Turn
from chat.generation.redacting import Shield
from chat.generation.understanding.memory import cut
from chat.generation.understanding.parts import parts_of
from chat.models import Instruction, Message, Trace
from chat.remembering import turns_of
from chat.tracing import seal
from knowledge.passages import Passage, Span, SpanText
from knowledge.search import read_managed_spans, with_columns

GONE = "(This passage was removed from the documents.)"
NO_ANSWER = "(This message is no longer there.)"


@dataclass(frozen=True)
class Part:
    """A message of a prompt; ``is_sent`` where it is, letter by letter, the one that was sent."""

    role: str
    content: str
    is_sent: bool


@dataclass(frozen=True)
class Prompt:
    """One request; ``stored`` is what its trace says of it."""

    stored: Mapping[str, Any]
    parts: tuple[Part, ...]
    gone: int  # passages that are no longer there
    hidden: Mapping[str, int]  # personal data that was not sent, by kind

    @property
    def is_sent(self) -> bool:
        """Whether all of it is as it was sent."""
        return len(self.parts) == len(self.stored["seals"]) and all(p.is_sent for p in self.parts)


def prompts_of(message: Message, trace: Trace) -> list[Prompt]:
    """The requests for an answer, the first one first. The message comes with its question."""
    return [_prompt(message, trace, stored) for stored in trace.body.get("prompts", [])]


def _prompt(message: Message, trace: Trace, stored: Mapping[str, Any]) -> Prompt:
    passages, gone = _passages(message, stored["passages"])
    context = Context(passages, _turns(message, stored["turns"]), _frame(message, trace, stored))
    built = _built(message, stored, context)
    seals = stored["seals"]
    known = [at < len(seals) and seal(one) == seals[at] for at, one in enumerate(built)]
    shield = Shield(stored["phone_region"])
    shown = shield.hide(built) if stored["personal_data"] == "redact" else built
    parts = tuple(
        Part(one.role, one.content, is_sent) for one, is_sent in zip(shown, known, strict=True)
    )
    return Prompt(stored, parts, gone, dict(shield.counts))


def _built(message: Message, stored: Mapping[str, Any], context: Context) -> list[prompts.Message]:
    question = message.question.text if message.question else ""
    if stored["kind"] == "general":
        built = prompts.build_general(question, context.turns, context.frame)
    else:
        omits = bool(stored["omits_orders"])
        built = prompts.build(question, context, stored["marker"], omits_orders=omits)
    # The rules as they were then, whatever this release has in their place.
    kept = Instruction.objects.filter(pk=stored["instruction"]).first()
    head = prompts.Message("system", kept.text if kept else built[0].content)
    return [head, *built[1:]]


def _frame(message: Message, trace: Trace, stored: Mapping[str, Any]) -> Frame:
    window = stored["summary_window"]
    parts = parts_of(message.question.text) if stored["parts"] and message.question else ()
    return Frame(
        summary=cut(trace.summary, window // SUMMARY_SHARE) if window else "",
        parts=parts,
        language=stored["language"],
    )


def _turns(message: Message, ids: Sequence[str]) -> tuple[Turn, ...]:
    """The earlier turns in their order, as their reader may see them now."""
    rows = list(
        Message.objects.filter(pk__in=[one for one in ids if one], session_id=message.session_id)
        .select_related("question")
        .order_by("ordinal")
    )
    there = {turn.of: turn for turn in turns_of(rows, message.session.user)}
    return tuple(there.get(one, Turn(NO_ANSWER, NO_ANSWER)) for one in ids)


def _passages(
    message: Message, places: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Passage, ...], int]:
    """The passages with their words, and how many have none any more."""
    known = {one["chunk_id"]: one for one in message.retrieval.get("candidates", [])}
    spans = [_span(place) for place in places]
    read = read_managed_spans(spans) if spans else {}
    found = tuple(
        _passage(place, read[span], known.get(place["chunk_id"], {}))
        for place, span in zip(places, spans, strict=True)
    )
    return with_columns(found), sum(read[span].text is None for span in spans)


def _span(place: Mapping[str, Any]) -> Span:
    return Span(place["document_id"], place["document_version"], place["start"], place["end"])


def _passage(place: Mapping[str, Any], read: SpanText, known: Mapping[str, Any]) -> Passage:
    return Passage(
        chunk_id=place["chunk_id"],
        document_id=place["document_id"],
        version_id=0,
        document_version=place["document_version"],
        title=known.get("title", read.title),
        heading=known.get("heading", ""),
        page=known.get("page"),
        text=GONE if read.text is None else read.text,
        start=place["start"],
        end=place["end"],
        score=0.0,
        uploaded_at=known.get("uploaded_at", read.uploaded_at),
    )
