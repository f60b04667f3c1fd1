"""What the requests of an answer are put together from, read as it is today.

The words of documents come from the versions that are still there, those of the conversation from
its messages as their reader may see them now, and what stands nowhere else from the trace.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chat.generation.context import Turn
from chat.generation.understanding.parts import parts_of
from chat.models import Instruction, Message, Trace
from chat.remembering import turns_of
from knowledge.passages import Passage, Span, SpanText
from knowledge.search import columns_at, read_managed_spans

GONE = "(This passage was removed from the documents.)"
NO_ANSWER = "(This message is no longer there.)"
TAKEN_OUT = "(These words were taken out.)"


@dataclass
class Missing:
    """What was looked for while one request was put together, and is not there any more."""

    passages: int = 0
    turns: int = 0
    words: int = 0  # texts that stood in this trace alone
    memory: int = 0  # summaries


@dataclass
class Materials:
    """Of one answer; the message comes with its question. ``missing`` is of the request at hand."""

    message: Message
    trace: Trace
    missing: Missing = field(default_factory=Missing)

    @property
    def question(self) -> str:
        return self.message.question.text if self.message.question else ""

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The questions in the message."""
        return tuple(parts_of(self.question))

    def instruction(self, digest: str) -> str | None:
        """The fixed words at the head of a request, as they were then."""
        return self._instructions.get(digest)

    def words(self, key: str) -> Any:
        """Kept words; None where they were taken out."""
        kept = self.trace.kept.get(key)
        if kept is None:
            self.missing.words += 1
            return None
        if isinstance(kept, dict):  # they stand in the answer
            return self.message.text[kept["start"] : kept["end"]]
        return kept

    def text(self, key: str) -> str:
        """The same where it is a text; an empty key stands for an empty one."""
        return str(self.words(key) or TAKEN_OUT) if key else ""

    def summary(self) -> str:
        """What was remembered of the older turns when the answer was written."""
        if not self.trace.summary:
            self.missing.memory += 1
        return self.trace.summary

    def earlier(self, key: str) -> str:
        """The summary that another one was made of."""
        kept = self.trace.kept.get(key, "") if key else ""
        if key and not kept:
            self.missing.memory += 1
        return str(kept)

    def turns(self, ids: Sequence[str]) -> tuple[Turn, ...]:
        """The earlier turns in this order, as their reader may see them now."""
        self.missing.turns += sum(one not in self._turns for one in ids)
        return tuple(self._turns.get(one, Turn(NO_ANSWER, NO_ANSWER)) for one in ids)

    def passages(self, places: Sequence[Mapping[str, Any]]) -> tuple[Passage, ...]:
        """The passages of these places, with their words."""
        found = [self._read[_span(place)] for place in places]
        self.missing.passages += sum(read.text is None for read in found)
        return tuple(self._passage(one, read) for one, read in zip(places, found, strict=True))

    @cached_property
    def _entries(self) -> list[Mapping[str, Any]]:
        listed: list[Mapping[str, Any]] = self.trace.body.get("prompts", [])
        return listed

    @cached_property
    def _instructions(self) -> dict[str, str]:
        digests = {one["instruction"] for one in self._entries}
        rows = Instruction.objects.filter(pk__in=digests)
        return {row.digest: row.text for row in rows}

    @cached_property
    def _turns(self) -> dict[str, Turn]:
        ids = {one for entry in self._entries for one in entry.get("turns", []) if one}
        rows = Message.objects.filter(pk__in=ids, session_id=self.message.session_id)
        listed = list(rows.select_related("question").order_by("ordinal"))
        return {turn.of: turn for turn in turns_of(listed, self.message.session.user)}

    @cached_property
    def _read(self) -> dict[Span, SpanText]:
        spans = [_span(place) for entry in self._entries for place in places_in(entry)]
        return read_managed_spans(spans) if spans else {}

    @cached_property
    def _known(self) -> dict[str, Mapping[str, Any]]:
        return {one["chunk_id"]: one for one in self.message.retrieval.get("candidates", [])}

    def _passage(self, place: Mapping[str, Any], read: SpanText) -> Passage:
        known = self._known.get(place["chunk_id"], {})
        has_columns = place.get("has_columns") and read.text is not None
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
            columns=columns_at(_span(place)) if has_columns else "",
        )


def places_in(entry: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """All passages that a request has, wherever they stand in it."""
    yield from entry.get("passages", [])
    yield from entry.get("cited", [])
    for sentence in entry.get("sentences", []):
        yield from sentence["passages"]
    for added in entry.get("added", []):
        yield from (piece for piece in added.get("pieces", []) if "chunk_id" in piece)


def _span(place: Mapping[str, Any]) -> Span:
    return Span(place["document_id"], place["document_version"], place["start"], place["end"])
