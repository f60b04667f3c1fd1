"""What is noted of an answer while it is made: searches, prompts, stages, checks, what failed.

All of it is numbers, places and references; no word of a document, a question or an answer. What
was asked and found stands in the message's own row, from which deletion takes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from django.utils.crypto import salted_hmac

from chat.generation.context import Context, Turn, estimate_tokens
from chat.generation.modelconfig import ModelConfig
from chat.generation.prompts import Message
from chat.generation.support.checking import Checked
from chat.generation.support.figures import WITH_MEANING
from knowledge.passages import LeftOut, Passage, SearchResult

VERSION = 1
MOST_ROWS = 400  # candidates of all searches of an answer; the others are counted
MOST_CHECKS = 300  # sentences
MOST_PROMPTS = 6
# In their order: PostgreSQL keeps none among the keys of a JSON object.
STAGE_ORDER = (
    "loaded", "understood", "searched", "admitted", "first_word", "written", "checked"
)  # fmt: skip
_SALT = "chat.trace"


@dataclass(frozen=True)
class Prompted:
    """A request as it goes out, with what it was put together from."""

    config: ModelConfig
    messages: Sequence[Message]
    context: Context
    marker: str = ""
    voice: int = 0  # version
    kind: str = "answer"  # or "general"
    found: int = 0  # passages that there were
    recalled: int = 0  # turns that there were


@dataclass(frozen=True)
class Noted:
    """A trace as it is to be stored."""

    body: dict[str, Any]
    changes: int = 0
    summary: str = ""
    summary_documents: tuple[tuple[int, int], ...] = ()
    instructions: Mapping[str, str] = field(default_factory=dict)


class Tracer:
    """Of one run. Written in one thread, read in another between two changes."""

    def __init__(self) -> None:
        self.changes = 0
        self._began = monotonic()
        self._body: dict[str, Any] = {"version": VERSION}
        self._stages: dict[str, int] = {}
        self._rows = 0
        self._instructions: dict[str, str] = {}
        self._summary = ""
        self._documents: tuple[tuple[int, int], ...] = ()
        self._last_word = 0.0
        self._gaps: list[float] = []

    def note(self, **fields: Any) -> None:
        """Keep something, in the place of what was there under this name."""
        self._body = {**self._body, **fields}
        self.changes += 1

    def add(self, name: str, entry: Mapping[str, Any], most: int = 20) -> None:
        """Put something at the end of a list of at most so many."""
        listed = self._body.get(name, [])
        if len(listed) < most:
            self.note(**{name: [*listed, dict(entry)]})

    def reached(self, stage: str) -> None:
        """A stage has ended: milliseconds since the answer was begun."""
        self._stages = {**self._stages, stage: round((monotonic() - self._began) * 1000)}

    def remembered(
        self, turns: Sequence[Turn], summary: str, documents: Iterable[tuple[int, int]]
    ) -> None:
        """What of the conversation the answer was given."""
        self._summary, self._documents = summary, tuple(documents)
        tokens = estimate_tokens(summary)
        self.note(memory={"turns": [turn.of for turn in turns], "summary_tokens": tokens})

    def searched(self, query: int, wording: str, result: SearchResult) -> None:
        """One search; ``query`` is its place among the questions of the message."""
        room = max(0, MOST_ROWS - self._rows)
        given = [_given(passage) for passage in result.passages[:room]]
        left_out = [_left_out(one) for one in result.left_out[: room - len(given)]]
        self._rows += len(given) + len(left_out)
        self.add(
            "searches",
            {
                "question": query,
                "wording": wording,
                "build": result.build_id,
                "took_ms": round(result.took_ms, 1),
                "answerable": round(result.answerable, 4),
                "documents": result.searched,
                "in_sight": result.in_sight,
                "indexed": result.indexed,
                "hidden": result.hidden,
                "degraded": list(result.degraded),
                "given": given,
                "left_out": left_out,
                "more": len(result.left_out) - len(left_out),
            },
        )

    def prompted(self, sent: Prompted) -> None:
        """A request to a model; its words are not kept, but what they were made of."""
        context, frame = sent.context, sent.context.frame
        head = sent.messages[0].content
        self._instructions = {**self._instructions, _digest(head): head}
        self.add(
            "prompts",
            {
                "kind": sent.kind,
                "marker": sent.marker,
                "instruction": _digest(head),
                "voice": sent.voice,
                "passages": [_place(passage) for passage in context.passages],
                "passages_left_out": sent.found - len(context.passages),
                "turns": [turn.of for turn in context.turns],
                "turns_left_out": sent.recalled - len(context.turns),
                "parts": len(frame.parts),
                "language": frame.language,
                "summary_window": sent.config.window if frame.summary else 0,
                "tokens": sum(frame.count(message.content) for message in sent.messages),
                "seals": [seal(message) for message in sent.messages],
                **_parameters(sent.config),
            },
            MOST_PROMPTS,
        )

    def failed(self, model: str, error: Exception) -> None:
        """A model that gave no answer, or not all of it; the error is in our words."""
        kind = type(error).__name__
        self.add("failures", {"model": model, "kind": kind, "error": str(error)[:200]})

    def word(self) -> None:
        """Something was shown."""
        now = monotonic()
        if self._last_word:
            self._gaps.append(now - self._last_word)
        else:
            self.reached("first_word")
        self._last_word = now

    def checked(self, checks: Sequence[Checked] | None) -> None:
        """What each sentence was found to be, and by what."""
        if checks is None:
            self.note(checks=None)
        else:
            self.note(checks=[_check(one) for one in checks[:MOST_CHECKS]])

    def noted(self) -> Noted:
        """All of it so far."""
        body = {**self._body, "stages": self._stages, "words": self._words()}
        return Noted(body, self.changes, self._summary, self._documents, self._instructions)

    def _words(self) -> dict[str, Any]:
        gaps = self._gaps
        if not gaps:
            return {"pieces": 1 if self._last_word else 0}
        return {
            "pieces": len(gaps) + 1,
            "mean_gap_ms": round(1000 * sum(gaps) / len(gaps), 1),
            "longest_gap_ms": round(1000 * max(gaps)),
        }


def in_order(stages: Mapping[str, int]) -> list[tuple[str, int]]:
    """Stages with the milliseconds at which they ended, first to last."""

    def place(one: tuple[str, int]) -> tuple[int, int]:
        name, at = one
        return at, STAGE_ORDER.index(name) if name in STAGE_ORDER else len(STAGE_ORDER)

    return sorted(stages.items(), key=place)


def seal(message: Message) -> str:
    """What tells later whether a message that was put together again is the one that was sent.

    Keyed, so that short words that were erased cannot be guessed from it.
    """
    text = f"{message.role}\n{message.content}"
    return salted_hmac(_SALT, text, algorithm="sha256").hexdigest()[:32]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _given(passage: Passage) -> dict[str, Any]:
    scores = {name: _rounded(score) for name, score in asdict(passage.scores).items()}
    return {
        **_place(passage),
        "document_id": passage.document_id,
        "score": round(passage.score, 4),
        "scores": scores,
        "same_as": list(passage.same_as),
    }


def _left_out(one: LeftOut) -> dict[str, Any]:
    scores = {name: _rounded(score) for name, score in asdict(one.scores).items()}
    return {
        "chunk_id": one.chunk_id,
        "document_id": one.document_id,
        "score": round(one.score, 4),
        "scores": scores,
        "why": one.why,
    }


def _place(passage: Passage) -> dict[str, Any]:
    return {
        "chunk_id": passage.chunk_id,
        "document_id": passage.document_id,
        "document_version": passage.document_version,
        "start": passage.start,
        "end": passage.end,
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def _parameters(config: ModelConfig) -> dict[str, Any]:
    return {
        "model": config.name,
        "model_id": config.model_id,
        "host": urlsplit(config.base_url).hostname or "",
        "temperature": config.temperature,
        "answer_tokens": config.answer_tokens,
        "window": config.window,
        "prices": [str(config.price_in), str(config.price_out)],
        "extra": config.extra,
        "personal_data": config.guard.personal_data,
        "phone_region": config.guard.phone_region,
        "omits_orders": config.guard.omits_orders,
    }


def _check(one: Checked) -> dict[str, Any]:
    named = dict(zip(WITH_MEANING, one.figures, strict=False))
    return {
        "start": one.sentence.start,
        "end": one.sentence.end,
        "support": one.sentence.support,
        "by": one.by,
        "chance": _rounded(one.chance),
        "figures": {name: round(value, 3) for name, value in named.items()},
    }
