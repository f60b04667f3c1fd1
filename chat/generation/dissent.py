"""The sentence that tells a reader that documents disagree, with both footnotes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chat.generation.sentences import Sentence
from chat.generation.support.disagreement import Disagreement, Side, disagreements, wording
from knowledge.passages import Passage

MOST = 2  # disagreements that one answer names


@dataclass(frozen=True)
class Said:
    """What an answer cites: a footnote's passage and the span that it quotes."""

    passage: Passage
    start: int
    end: int


@dataclass(frozen=True)
class Dissent:
    """Text to add, the footnotes that it needs (number, passage, span), and its sentences."""

    text: str
    quoted: tuple[tuple[int, Said], ...]
    sentences: tuple[Sentence, ...]


def dissent(
    text: str, cited: Mapping[int, Said], passages: Sequence[Passage], told: Sequence[Sentence] = ()
) -> Dissent | None:
    """What to add to an answer that rests on a sentence that another passage contradicts.

    Args:
        text: the answer so far.
        cited: its footnotes by number.
        passages: what was found, best first; those cited are among them.
        told: sentences of the answer; one that cites both documents has said it already.
    """
    numbers = dict(cited)

    def quotes(side: Side) -> bool:
        return any(_quotes(said, side) for said in cited.values())

    added = ""
    sentences: list[Sentence] = []
    for found in disagreements(passages, quotes):
        if len(sentences) == MOST:
            break
        if _is_told(found, cited, told):
            continue
        pair = (_number(found.newer, numbers), _number(found.older, numbers))
        said = wording(found, pair)
        start = len(text) + len(added) + 2
        added += f"\n\n{said}"
        sentences.append(Sentence(start, start + len(said), pair, "supported"))
    if not sentences:
        return None
    new = tuple((number, said) for number, said in numbers.items() if cited.get(number) != said)
    return Dissent(added, new, tuple(sentences))


def _quotes(said: Said, side: Side) -> bool:
    is_there = _is_same_document(said.passage, side.passage)
    return is_there and said.start < side.end and side.start < said.end


def _is_same_document(one: Passage, other: Passage) -> bool:
    return one.version_id == other.version_id


def _is_told(found: Disagreement, cited: Mapping[int, Said], told: Sequence[Sentence]) -> bool:
    """Whether one sentence of the answer cites both documents for it."""
    sides = [
        {number for number, said in cited.items() if _quotes(said, side)}
        for side in (found.newer, found.older)
    ]
    return any(all(side & set(one.numbers) for side in sides) for one in told)


def _number(side: Side, numbers: dict[int, Said]) -> int:
    """The footnote of a side: one that quotes its passage, widened to it, or a new one."""
    for number, said in numbers.items():
        if said.passage.chunk_id == side.passage.chunk_id:
            start, end = min(said.start, side.start), max(said.end, side.end)
            numbers[number] = Said(said.passage, start, end)
            return number
    number = max(numbers, default=0) + 1
    numbers[number] = Said(side.passage, side.start, side.end)
    return number
