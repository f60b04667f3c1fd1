"""What is noted of an answer while it is made: searches, calls, stages, checks, what failed.

All of it is numbers, places and references; no word of a document, a question or an answer. What
was asked and found stands in the message's own row, from which deletion takes it. Words that went
to a model and stand nowhere else (what it called, a sentence that was never shown) are kept apart,
with the documents that they may have come from, and go with any of these.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

from chat.generation.context import Turn, estimate_tokens
from chat.generation.support.checking import Checked
from chat.generation.support.figures import WITH_MEANING
from chat.outgoing import Outgoing, digest, entry_of, place_of
from knowledge.passages import LeftOut, Passage, SearchResult

VERSION = 1
MOST_ROWS = 400  # candidates of all searches of an answer; the others are counted
MOST_CHECKS = 300  # sentences
MOST_PROMPTS = 80  # a strict answer may be judged sentence by sentence; the others are counted
EARLIER = "earlier"  # under which the summary is kept that another one was made of
# In their order: PostgreSQL keeps none among the keys of a JSON object.
STAGE_ORDER = (
    "loaded", "understood", "searched", "admitted", "first_word", "written", "checked"
)  # fmt: skip
Recipe = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True)
class Noted:
    """A trace as it is to be stored."""

    body: dict[str, Any]
    changes: int = 0
    summary: str = ""
    summary_documents: tuple[tuple[int, int], ...] = ()
    instructions: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)  # words by their keys in the body
    given: tuple[tuple[int, int], ...] = ()  # documents whose words may be among them


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
        self._kept: dict[str, Any] = {}
        self._given: dict[tuple[int, int], None] = {}
        self._last_word = 0.0
        self._gaps: list[float] = []

    def note(self, **fields: Any) -> None:
        """Keep something, in the place of what was there under this name."""
        self._body = {**self._body, **fields}
        self.changes += 1

    def read(self, name: str, default: Any) -> Any:
        """What was kept under this name."""
        return self._body.get(name, default)

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
        self.gave((*self._documents, *(one for turn in turns for one in turn.documents)))
        tokens = estimate_tokens(summary)
        self.note(memory={"turns": [turn.of for turn in turns], "summary_tokens": tokens})

    def searched(self, query: int, wording: str, result: SearchResult) -> None:
        """One search; ``query`` is its place among the questions of the message."""
        self.gave((one.document_id, one.document_version) for one in result.passages)
        room = max(0, MOST_ROWS - self._rows)
        given = [_found(passage) for passage in result.passages[:room]]
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

    def gave(self, documents: Iterable[tuple[int, int]]) -> None:
        """A model was given words of these (number and version) and may repeat them."""
        self._given = {**self._given, **dict.fromkeys(documents)}

    def keep(self, words: Any, key: str = "") -> str:
        """Keep words that went to a model and stand nowhere else; the key that refers to them."""
        words = storable(words)
        if not key:
            known = (name for name, kept in self._kept.items() if kept == words)
            key = next(known, f"w{len(self._kept) + 1}")
        self._kept = {**self._kept, key: words}
        self.changes += 1
        return key

    def drop(self, key: str) -> None:
        """Words that must not be kept after all."""
        self._kept = {name: words for name, words in self._kept.items() if name != key}
        self.changes += 1

    def asked(self, recipe: Recipe, out: Outgoing) -> int | None:
        """A request to a model; its words are not kept, but what they are put together from.

        Args:
            recipe: gives what that is; see ``chat.prompted``.
            out: the request.

        Returns:
            Its place among the requests; None where there are too many.
        """
        listed = self._body.get("prompts", [])
        if len(listed) >= MOST_PROMPTS:
            self.note(prompts_more=self._body.get("prompts_more", 0) + 1)
            return None
        head = out.messages[0].content
        self._instructions = {**self._instructions, digest(head): head}
        self.note(prompts=[*listed, entry_of(recipe(), out)])
        return len(listed)

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
        return Noted(
            body=body,
            changes=self.changes,
            summary=self._summary,
            summary_documents=self._documents,
            instructions=self._instructions,
            kept=self._kept,
            given=tuple(self._given) if self._kept else (),
        )

    def _words(self) -> dict[str, Any]:
        gaps = self._gaps
        if not gaps:
            return {"pieces": 1 if self._last_word else 0}
        return {
            "pieces": len(gaps) + 1,
            "mean_gap_ms": round(1000 * sum(gaps) / len(gaps), 1),
            "longest_gap_ms": round(1000 * max(gaps)),
        }


def storable(words: Any) -> Any:
    """Words without what no row takes: NUL, and halves of surrogate pairs."""
    if isinstance(words, str):
        return words.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
    if isinstance(words, list):
        return [storable(one) for one in words]
    return {name: storable(one) for name, one in words.items()}


def in_order(stages: Mapping[str, int]) -> list[tuple[str, int]]:
    """Stages with the milliseconds at which they ended, first to last."""

    def place(one: tuple[str, int]) -> tuple[int, int]:
        name, at = one
        return at, STAGE_ORDER.index(name) if name in STAGE_ORDER else len(STAGE_ORDER)

    return sorted(stages.items(), key=place)


def _found(passage: Passage) -> dict[str, Any]:
    scores = {name: _rounded(score) for name, score in asdict(passage.scores).items()}
    return {
        **place_of(passage),
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


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


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
