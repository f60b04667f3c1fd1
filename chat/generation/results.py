"""What functions brought, as a model reads it: data fenced, passages numbered on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chat.generation import prompts
from chat.generation.context import estimate_tokens
from knowledge.passages import Passage

_AROUND = 24  # tokens around each passage, as ``context`` counts them


@dataclass(frozen=True)
class Result:
    """What a call brought. ``note`` is in our own words, ``data`` in somebody else's."""

    note: str = ""
    data: str = ""
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class Numbered:
    """A passage with the number by which the model cites it."""

    number: int
    passage: Passage


Piece = str | Numbered  # of a result: words as they stand, or a passage


@dataclass(frozen=True)
class Fence:
    """How a result is put down: its marker, the tokens that there is room for, and what is left
    out of a document's words.
    """

    marker: str
    room: int
    omits_orders: bool = False


@dataclass(frozen=True)
class LaidOut:
    """A result as it fits. ``fresh`` are its passages that the model did not have yet."""

    pieces: tuple[Piece, ...]
    fresh: tuple[Passage, ...]


def lay_out(result: Result, has: Sequence[Passage], fence: Fence) -> LaidOut:
    """What of a result fits, in its order; ``has`` are the passages of the model by number."""
    pieces: list[Piece] = [result.note] if result.note else []
    if result.data:
        pieces.append(_data(result.data, fence))
    fresh: list[Passage] = []
    known = {one.chunk_id: number for number, one in enumerate(has, start=1)}
    room = fence.room - estimate_tokens("\n".join(str(piece) for piece in pieces))
    left_out = 0
    for passage in result.passages:
        if passage.chunk_id in known:
            pieces.append(f"Passage {known[passage.chunk_id]}, which you have already.")
            continue
        room -= estimate_tokens(f"{passage.title} {passage.heading} {passage.text}") + _AROUND
        if room < 0:
            left_out += 1
            continue
        fresh.append(passage)
        known[passage.chunk_id] = len(has) + len(fresh)
        pieces.append(Numbered(known[passage.chunk_id], passage))
    if left_out:
        pieces.append(f"{left_out} more did not fit.")
    return LaidOut(tuple(pieces), tuple(fresh))


def as_told(pieces: Sequence[Piece], marker: str, *, omits_orders: bool) -> str:
    """The words of a result."""
    said = [
        piece if isinstance(piece, str) else _numbered(piece, marker, omits_orders)
        for piece in pieces
    ]
    return "\n\n".join(said) or "Nothing."


def _numbered(one: Numbered, marker: str, omits_orders: bool) -> str:  # noqa: FBT001
    passage = one.passage
    if omits_orders:
        passage = replace(passage, text=prompts.without_orders(passage.text))
    words = prompts.fenced(passage, one.number, marker)
    return f"Document {passage.document_id}:\n{words}"


def _data(data: str, fence: Fence) -> str:
    most = max(0, fence.room) * 3  # code points; at least three to a token of plain words
    cut = data if len(data) <= most else f"{data[:most]} (cut here)"
    words = prompts.without_orders(cut) if fence.omits_orders else cut
    return (
        f"<<<{fence.marker} result>>>\n{prompts.as_data(words, fence.marker)}\n"
        f"<<<{fence.marker} end of result>>>"
    )
