"""An answer beside the same one made again: what came, what went, what moved, what is said now."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chat.tracing import in_order
from knowledge.differences import Piece, difference

_LONGEST = 20_000  # code points of an answer that is compared word by word
_ALIKE = 0.5  # the share of an answer that must be the same, else its differences are a jumble


@dataclass(frozen=True)
class Made:
    """One making of an answer; what a search alone does not tell is empty."""

    queries: Sequence[str]
    answerable: float | None
    build: int | None
    candidates: tuple[Mapping[str, Any], ...]
    stages: Mapping[str, int]
    outcome: str = ""
    state: str = ""
    model: str = ""
    text: str = ""
    confidence: str = ""
    notice: str = ""
    moderation: str = ""  # what came of it, in words
    supports: tuple[str, ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()
    milliseconds: int = 0


@dataclass(frozen=True)
class Candidate:
    """A passage with its places from 1, then and now; None where it was not among the passages."""

    document_id: int
    title: str
    heading: str
    then: int | None
    now: int | None
    score_then: float | None
    score_now: float | None

    @property
    def change(self) -> str:
        if self.then is None:
            return "came"
        if self.now is None:
            return "went"
        return "moved" if self.then != self.now else "stayed"


@dataclass(frozen=True)
class Comparison:
    """What is different; ``changed`` names the parts that are."""

    before: Made
    after: Made
    changed: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    pieces: tuple[Piece, ...]  # of the answer's text
    came: tuple[Mapping[str, Any], ...]  # sources
    went: tuple[Mapping[str, Any], ...]
    search_only: bool
    question: str = field(default="")

    @property
    def moved(self) -> list[Candidate]:
        """The candidates of which something is different."""
        return [one for one in self.candidates if one.change != "stayed"]

    @property
    def is_another(self) -> bool:
        """Whether the answers share so little that they are read side by side, not word by word."""
        same = sum(len(piece.text) for piece in self.pieces if piece.kind == "same")
        longer = max(len(self.before.text), len(self.after.text))
        return same < _ALIKE * longer

    @property
    def stages(self) -> list[tuple[str, int | None, int | None]]:
        """(stage, milliseconds then, now) since the beginning, as far as either has it."""
        before, after = self.before.stages, self.after.stages
        names = [name for name, _ in in_order({**after, **before})]
        return [(name, before.get(name), after.get(name)) for name in names]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "changed": list(self.changed),
            "search_only": self.search_only,
            "question": self.question,
            "before": _dict(self.before),
            "after": _dict(self.after),
            "candidates": [{**asdict(one), "change": one.change} for one in self.candidates],
            "answer": [{"kind": piece.kind, "text": piece.text} for piece in self.pieces],
            "sources": {"came": list(self.came), "went": list(self.went)},
            "stages": [
                {"stage": name, "then_ms": then, "now_ms": now} for name, then, now in self.stages
            ],
        }


def compare(before: Made, after: Made, *, search_only: bool = False) -> Comparison:
    """What is different between two makings of an answer."""
    listed = _candidates(before.candidates, after.candidates)
    came, went = _sources(before, after) if not search_only else ((), ())
    is_different = {
        "question": tuple(before.queries) != tuple(after.queries),
        "candidates": any(one.change != "stayed" for one in listed),
        "outcome": before.outcome != after.outcome,
        "answer": not search_only and before.text.strip() != after.text.strip(),
        "model": not search_only and before.model != after.model,
        "sources": bool(came or went),
        "support": not search_only and before.supports != after.supports,
        "notice": not search_only and before.notice != after.notice,
        "moderation": not search_only and before.moderation != after.moderation,
    }
    words = difference(before.text[:_LONGEST], after.text[:_LONGEST]) if not search_only else ()
    return Comparison(
        before=before,
        after=after,
        changed=tuple(name for name, is_so in is_different.items() if is_so),
        candidates=listed,
        pieces=words,
        came=came,
        went=went,
        search_only=search_only,
    )


def _dict(made: Made) -> dict[str, Any]:
    told = asdict(made)
    return {**told, "candidates": len(made.candidates)}


def _candidates(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> tuple[Candidate, ...]:
    """The passages of now in their order, then those that went."""
    then = {_key(one): at for at, one in enumerate(before)}
    now = {_key(one): at for at, one in enumerate(after)}
    listed = []
    for key in [*now, *(key for key in then if key not in now)]:
        old = before[then[key]] if key in then else None
        new = after[now[key]] if key in now else None
        told: Mapping[str, Any] = new or old or {}
        listed.append(
            Candidate(
                document_id=told["document_id"],
                title=told.get("title", ""),
                heading=told.get("heading", ""),
                then=then[key] + 1 if key in then else None,
                now=now[key] + 1 if key in now else None,
                score_then=old["score"] if old else None,
                score_now=new["score"] if new else None,
            )
        )
    return tuple(listed)


def _key(one: Mapping[str, Any]) -> tuple[Any, ...]:
    """The stretch of a version: a chunk that was cut anew at the same place is the same."""
    return one["document_id"], one["document_version"], one["start"], one["end"]


def _sources(
    before: Made, after: Made
) -> tuple[tuple[Mapping[str, Any], ...], tuple[Mapping[str, Any], ...]]:
    then = {one["document_id"] for one in before.sources}
    now = {one["document_id"] for one in after.sources}
    came = tuple(one for one in after.sources if one["document_id"] not in then)
    went = tuple(one for one in before.sources if one["document_id"] not in now)
    return came, went
