"""A quoted answer to a message that asks several things: each part in turn, with a mark or a no."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chat.generation import extractive
from chat.generation.answer import Cited, Piece, Words
from chat.generation.quotable import Embed
from chat.generation.sentences import Sentence
from chat.generation.understanding.merging import Part

_SIGNS = re.compile(r"[\[\]【】*_`<>#|\\~]")
_LONGEST = 200


@dataclass(frozen=True)
class Rule:
    """When a part counts as answered, and what stands where it is not."""

    answerable: float
    not_found: str


def quote_parts(
    parts: Sequence[Part], embed: Embed | None, rule: Rule
) -> tuple[list[Piece], list[Sentence]]:
    """The pieces and sentences of the answer; without any where no part has one.

    Each part stands under its question. Footnotes are numbered through, and what two parts quote
    alike is quoted twice, so that each part can be read alone.
    """
    pieces: list[Piece] = []
    sentences: list[Sentence] = []
    length = 0
    for part in parts:
        head = f"{'' if not length else chr(10) * 2}**{_label(part.question)}**\n\n"
        quotes = _quotes(part, embed, rule)
        pieces.append(Words(head))
        length += len(head)
        if not quotes:
            pieces.append(Words(rule.not_found))
            length += len(rule.not_found)
            continue
        made, said = _composed(quotes, len(sentences))
        sentences += [replace(s, start=s.start + length, end=s.end + length) for s in said]
        pieces += made
        length += sum(len(piece.text) for piece in made if isinstance(piece, Words))
    return (pieces, sentences) if sentences else ([], [])


def _quotes(part: Part, embed: Embed | None, rule: Rule) -> tuple[extractive.Quote, ...]:
    if part.result.answerable < rule.answerable:
        return ()
    return extractive.choose(part.query, part.result.passages, embed)


def _composed(
    quotes: Sequence[extractive.Quote], before: int
) -> tuple[list[Piece], list[Sentence]]:
    """As ``answer.quote``, with numbers that go on from ``before``."""
    texts, sentences = extractive.compose(quotes)
    pieces: list[Piece] = []
    shift = 0
    moved: list[Sentence] = []
    for at, (quoted, text, sentence) in enumerate(zip(quotes, texts, sentences, strict=True), 1):
        number = before + at
        words, _, after = text.rpartition(f"[{at}]")
        mark = f"[{number}]"
        cited = Cited(number, quoted.passage, quoted.start, quoted.end)
        pieces += [Words(words), cited, Words(mark + after)]
        grown = len(mark) - len(f"[{at}]")
        start = sentence.start + shift
        moved.append(
            replace(sentence, start=start, end=sentence.end + shift + grown, numbers=(number,))
        )
        shift += grown
    return pieces, moved


def _label(question: str) -> str:
    """A question as a line of its own: its signs would be marks of ours, or Markdown."""
    plain = " ".join(_SIGNS.sub("", question).split())
    plain = plain[:1].upper() + plain[1:]
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1].rstrip() + "…"
