"""What became of an answer's sentences when they were checked, as figures and as words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import template

from chat.models import Message
from chat.reading import Turn

register = template.Library()
TICKS = {"partly": "part", "unsupported": "none", "unknown": "open"}
_LABELS = {
    "unknown": "Could not be checked",
    "partly": "Partly supports",
    "unsupported": "Does not say this",
}


@dataclass(frozen=True)
class Tally:
    """What stands behind an answer, in numbers."""

    ticks: Sequence[str]  # "", "part", "open" or "none", one per sentence that says something
    sourced: int  # supported, as a whole or in part
    partly: int
    refuted: int  # their sources do not say them
    open: int  # nobody can tell
    documents: int
    seconds: str

    @property
    def total(self) -> int:
        return len(self.ticks)


def sentences_of(turn: Turn) -> list[Mapping[str, Any]]:
    """The sentences as they are drawn: one that was cut off has not been checked."""
    sentences: list[Mapping[str, Any]] = list(turn.body["sentences"])
    if turn.body["state"] != Message.State.DONE and sentences:
        last = sentences[-1]
        if last["support"] == "unsupported":
            sentences[-1] = {**last, "support": "unknown"}
    return sentences


@register.simple_tag
def lacks_source(turn: Turn) -> bool:
    """Whether a sentence is drawn as one that no document says."""
    known = {note.number for note in turn.notes}
    return any(
        sentence["support"] == "unsupported" and known.isdisjoint(sentence["numbers"])
        for sentence in sentences_of(turn)
    )


@register.simple_tag
def tally(turn: Turn) -> Tally:
    """The figures of the colophon; a sentence that nobody checked and that cites nothing is out."""
    shown = [s for s in sentences_of(turn) if s["support"] != "unknown" or s["numbers"]]
    ticks = [TICKS.get(sentence["support"], "") for sentence in shown]
    documents = {(note.title, note.url.partition("?")[0]) for note in turn.notes}
    return Tally(
        ticks=ticks,
        sourced=ticks.count("") + ticks.count("part"),
        partly=ticks.count("part"),
        refuted=sum(s["support"] == "unsupported" and bool(s["numbers"]) for s in shown),
        open=ticks.count("open"),
        documents=len(documents),
        seconds=f"{turn.body['processing_time'] / 1000:.1f} s",
    )


@dataclass(frozen=True)
class Said:
    """What a note says of the sentences that cite it, where they are not all supported."""

    label: str
    why: str
    is_care: bool


@register.simple_tag
def verdicts(turn: Turn) -> Mapping[int, Said]:
    """For each note the worst verdict of the sentences that cite it; none where all are good."""
    found: dict[int, Said] = {}
    for support in ("unknown", "partly", "unsupported"):
        for sentence in sentences_of(turn):
            if sentence["support"] == support:
                said = Said(_LABELS[support], sentence.get("why", ""), support == "unsupported")
                # Of several sources that do not say a sentence, the first speaks for all.
                several = sentence["numbers"][: 1 if said.is_care else None]
                found |= dict.fromkeys(several, said)
    return found


@register.filter
def for_note(found: Mapping[int, Said], number: int) -> Said | None:
    return found.get(number)
