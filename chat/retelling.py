"""How an answer came to be, as staff read it: one value for the page and for the download.

Who may not read what people said gets the same without any of it: ``reads_words`` is False.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.judgements import judgements_of
from chat.ledger import CallOutcome
from chat.materials import places_in
from chat.models import Message, ModelCall, Trace
from chat.reassembly import Prompt, prompts_of
from chat.tracing import in_order
from knowledge.passages import source_url
from knowledge.search import ChunkPlace, places

STAGES = {
    "loaded": "Read the conversation",
    "understood": "Understood the question",
    "searched": "Searched",
    "admitted": "Waited for moderation",
    "first_word": "First word shown",
    "written": "Written",
    "checked": "Checked",
}
_CALL_FIELDS = (
    "id", "created_at", "purpose", "model", "outcome", "tokens_in", "tokens_out", "is_estimated",
    "cost", "milliseconds", "first_token_ms", "longest_gap_ms", "attempts", "repeated_for", "error",
)  # fmt: skip
MOST_CALLS = 200
_PLAIN = (
    "message_id", "session_id", "created_at", "state", "outcome", "model", "prompt_version",
    "confidence", "notice", "degraded", "tokens_used", "processing_time", "searched", "safety",
)  # fmt: skip
_NO_TRACE: dict[str, Any] = {}
_NOT_TOLD = frozenset({"seals", "added", "sentences", "cited", "words", "earlier"})  # of a prompt


@dataclass(frozen=True)
class Request:
    """A call of a model with what was sent; either may not be known any more."""

    call: Mapping[str, Any] | None
    prompt: Prompt | None

    @property
    def kind(self) -> str:
        if self.prompt is not None:
            return str(self.prompt.stored["kind"])
        return str(self.call["purpose"]) if self.call else ""

    @property
    def model(self) -> str:
        return str(self.call["model"] if self.call else self.prompt and self.prompt.stored["model"])

    @property
    def was_sent(self) -> bool:
        """Whether the words left the house, or went to the model at all."""
        is_asked = self.call is None or self.call["outcome"] != CallOutcome.NOT_ASKED
        return is_asked and not (self.prompt and self.prompt.was_blocked)


@dataclass(frozen=True)
class Told:
    """A trace put together; ``as_dict`` is the download."""

    message: Message
    trace: Trace | None
    searches: tuple[dict[str, Any], ...]
    prompts: tuple[Prompt, ...]
    calls: tuple[dict[str, Any], ...]
    reads_words: bool
    moderations: tuple[dict[str, Any], ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        return self.trace.body if self.trace else _NO_TRACE

    @property
    def requests(self) -> list[Request]:
        """The calls in their order, each with its prompt."""
        return requests_of(self.calls, self.prompts)

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The stages in their order, each with when it ended and how long it took, in ms."""
        told, before = [], 0
        for name, at in in_order(self.body.get("stages", {})):
            words = STAGES.get(name, name)
            told.append({"stage": name, "words": words, "at_ms": at, "took_ms": at - before})
            before = at
        return told

    @property
    def questions(self) -> list[dict[str, Any]]:
        """The questions of the message, as they were searched, and who made that of them."""
        understood = self.message.retrieval.get("understood", {})
        queries = understood.get("queries") or [self.message.retrieval.get("query", "")]
        made = self.body.get("by", [])
        return [
            {"query": query if self.reads_words else None, "by": made[at] if at < len(made) else ""}
            for at, query in enumerate(queries)
            if query
        ]

    @property
    def sentences(self) -> list[dict[str, Any]]:
        """The sentences of the answer with their verdicts, and what these were made of."""
        checks = self.body.get("checks") or []
        told = []
        for at, sentence in enumerate(self.message.sentences):
            check = checks[at] if at < len(checks) else {}
            words = self.message.text[sentence["start"] : sentence["end"]]
            kept = {name: check.get(name) for name in ("by", "chance", "figures")}
            said = {"words": words, "why": sentence.get("why", "")} if self.reads_words else {}
            support = {"support": sentence["support"], "numbers": sentence["numbers"]}
            told.append({**said, **support, **kept})
        return told

    @property
    def memory(self) -> dict[str, Any]:
        """What of the conversation went in: how much, and the summary where it is still kept."""
        kept = dict(self.body.get("memory", {}))
        if self.reads_words and self.trace is not None:
            kept["summary"] = self.trace.summary
        return kept

    @property
    def cost(self) -> Any:
        return sum((call["cost"] for call in self.calls), start=0)

    @property
    def tools(self) -> list[Any]:
        """What tools were asked for, and what they found."""
        used: list[Any] = self.message.retrieval.get("tools", [])
        return used if self.reads_words else [{**one, "arguments": None} for one in used]

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON but for times and decimals."""
        message = self.message
        row = {name: getattr(message, name, None) for name in _PLAIN}
        said = {
            "question": message.question.text if message.question else "",
            "answer": message.text,
        }
        return {
            **row,
            "message_id": str(message.pk),
            "session_id": str(message.session_id),
            **(said if self.reads_words else {}),
            "language": self.body.get("language", ""),
            "questions": self.questions,
            "memory": self.memory,
            **{name: self.body.get(name) for name in ("answerable", "needed", "further", "held")},
            "searches": list(self.searches),
            "prompts": [_prompt_dict(one, self.reads_words) for one in self.prompts],
            "prompts_more": self.body.get("prompts_more", 0),
            "calls": list(self.calls),
            "moderations": list(self.moderations),
            "failures": self.body.get("failures", []),
            "stages": self.stages,
            "words": self.body.get("words", {}),
            "sentences": self.sentences,
            "tools": self.tools,
            "cached_from": message.retrieval.get("cached_from"),
        }


def tell(message_id: UUID, *, reads_words: bool) -> Told | None:
    """The trace of an answer; None where there is no such answer.

    Whose conversation was deleted is not told of any more, though its row waits to be removed.
    """
    message = (
        Message.objects.filter(pk=message_id, role=Message.Role.ASSISTANT, session__is_active=True)
        .select_related("question", "session__user")
        .first()
    )
    if message is None:
        return None
    trace = Trace.objects.filter(message=message).first()
    calls = ModelCall.objects.filter(message=message).order_by("created_at", "pk")
    return Told(
        message=message,
        trace=trace,
        searches=_searches(message, trace),
        prompts=tuple(prompts_of(message, trace)) if trace else (),
        calls=tuple(calls.values(*_CALL_FIELDS)[:MOST_CALLS]),
        reads_words=reads_words,
        moderations=judgements_of(message, trace, reads_words=reads_words),
    )


def requests_of(calls: Sequence[Mapping[str, Any]], prompts: Sequence[Prompt]) -> list[Request]:
    """Calls and prompts side by side; a prompt that names no call belongs to the next one of its
    model that writes answers, as traces of an earlier release have it.
    """
    named = {one.stored["call"]: one for one in prompts if one.stored.get("call")}
    left = [one for one in prompts if not one.stored.get("call")]
    told = []
    for call in calls:
        prompt = named.pop(call["id"], None)
        if prompt is None and call["purpose"] == "answer":
            prompt = next((one for one in left if one.stored["model"] == call["model"]), None)
            left = [one for one in left if one is not prompt]
        told.append(Request(call, prompt))
    return told + [Request(None, one) for one in (*named.values(), *left)]


def _prompt_dict(prompt: Prompt, reads_words: bool) -> dict[str, Any]:  # noqa: FBT001
    kept = {name: value for name, value in prompt.stored.items() if name not in _NOT_TOLD}
    told: dict[str, Any] = {
        **kept,
        "is_as_sent": prompt.is_sent,
        "why_not": prompt.reasons,
        "passages_gone": prompt.gone,
    }
    if reads_words:
        told["messages"] = [
            {**part.message.as_dict(), "is_as_sent": part.is_sent} for part in prompt.parts
        ]
        told["personal_data_hidden"] = dict(prompt.hidden)
    return told


def _searches(message: Message, trace: Trace | None) -> tuple[dict[str, Any], ...]:
    """The searches with their candidates, each with where it stands now."""
    stored: Sequence[Mapping[str, Any]] = trace.body.get("searches", []) if trace else []
    if not stored and message.retrieval.get("candidates"):
        stored = [_from_row(message)]  # of before traces were kept, or of a process that died
    listed = [one for search in stored for one in (*search["given"], *search["left_out"])]
    known = places(one["chunk_id"] for one in listed if one.get("chunk_id"))
    final = [one.get("chunk_id") for one in message.retrieval.get("candidates", [])]
    sent = _numbers(trace)
    return tuple(
        {
            **search,
            "given": [_row(one, known, final, sent) for one in search["given"]],
            "left_out": [_row(one, known, final, sent) for one in search["left_out"]],
        }
        for search in stored
    )


def _from_row(message: Message) -> dict[str, Any]:
    retrieval = message.retrieval
    return {
        "question": 0,
        "wording": "asked",
        "build": retrieval.get("build_id"),
        "took_ms": retrieval.get("took_ms"),
        "answerable": retrieval.get("answerable"),
        "documents": message.searched,
        "given": retrieval["candidates"],
        "left_out": [],
    }


def _numbers(trace: Trace | None) -> dict[str, int]:
    """The passages of the last prompt by their numbers in it."""
    listed = trace.body.get("prompts", []) if trace else []
    bases = [at for at, one in enumerate(listed) if one["kind"] == "answer"]
    if not bases:
        return {}
    sent = {one["chunk_id"]: at for at, one in enumerate(listed[bases[-1]]["passages"], start=1)}
    rounds = [one for one in listed if one.get("base") == bases[-1]]
    found = {one["chunk_id"]: one["number"] for later in rounds for one in places_in(later)}
    return {**sent, **found}


def _row(
    one: Mapping[str, Any],
    known: Mapping[str, ChunkPlace],
    final: Sequence[str],
    sent: Mapping[str, int],
) -> dict[str, Any]:
    chunk = one.get("chunk_id", "")
    place = known.get(chunk)
    kept = {name: one.get(name) for name in ("chunk_id", "document_id", "score", "scores", "why")}
    return {
        **kept,
        "same_as": one.get("same_as", []),
        "rank": final.index(chunk) + 1 if chunk in final else None,
        "number": sent.get(chunk),
        "is_gone": place is None,
        "title": place.title if place else "",
        "heading": place.heading if place else "",
        "page": place.page if place else None,
        "url": _url(place) if place else "",
        "text": place.text if place else "",
    }


def _url(place: ChunkPlace) -> str:
    return source_url(place.document_id, place.document_version, place.start, place.end)
