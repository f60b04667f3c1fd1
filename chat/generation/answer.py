"""Passages and a question in, pieces of an answer out: quoted, or written by a model."""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from chat.generation import extractive, prompts
from chat.generation.binding import bind
from chat.generation.citations import CitationParser, Found, Mark
from chat.generation.context import Context, Frame, Turn, estimate_tokens, fit
from chat.generation.llm import ChatModel, ModelError
from chat.generation.sentences import Sentence, last_sentence
from chat.generation.understanding.memory import cut
from knowledge.passages import Passage

_SUMMARY_SHARE = 8  # of the window, at most: passages matter more than what was said long ago
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Words:
    """A piece of the answer's text, final."""

    text: str


@dataclass(frozen=True)
class Cited:
    """A footnote: ``passage``'s version quoted from ``start`` to ``end``. Comes before its mark.

    A second one with the same number widens the quote.
    """

    number: int
    passage: Passage
    start: int
    end: int


@dataclass(frozen=True)
class NotFound:
    """The model says that the passages do not answer."""


@dataclass(frozen=True)
class Used:
    """Tokens, as the provider counts them; ``estimated``: by us, where the provider did."""

    tokens: int
    estimated: int = 0


Piece = Words | Cited | NotFound | Used


def quote(
    question: str, passages: Sequence[Passage], embed: extractive.Embed | None
) -> tuple[list[Piece], list[Sentence]]:
    """The extractive answer: its pieces and its sentences. CPU work of up to a second."""
    quotes = extractive.choose(question, passages, embed)
    texts, sentences = extractive.compose(quotes)
    pieces: list[Piece] = []
    for number, (quoted, text) in enumerate(zip(quotes, texts, strict=True), start=1):
        mark = f"[{number}]"
        words, _, after = text.rpartition(mark)
        cited = Cited(number, quoted.passage, quoted.start, quoted.end)
        pieces += [Words(words), cited, Words(mark + after)]
    return pieces, sentences


@dataclass
class Writer:
    """A model's tokens into pieces: marks bound to passages, nothing sent that is not final."""

    passages: Sequence[Passage]
    text: str = ""  # what went out
    _start: str = ""  # held back while it could still be the word for "not found"
    _has_begun: bool = False
    _spans: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._parser = CitationParser(len(self.passages))

    def feed(self, token: str) -> Iterator[Piece]:
        if self._has_begun:
            yield from self._send(self._parser.feed(token))
            return
        self._start += token
        if not _could_be_not_found(self._start):
            self._has_begun = True
            yield from self._send(self._parser.feed(self._start.lstrip()))

    def close(self) -> Iterator[Piece]:
        if not self._has_begun:
            self._has_begun = True
            if prompts.NOT_FOUND in self._start:
                yield NotFound()
                return
            yield from self._send(self._parser.feed(self._start.lstrip()))
        yield from self._send(self._parser.close())

    def rest(self) -> Iterator[Piece]:
        """What was held back when the model broke off."""
        if self._has_begun:
            yield from self._send(self._parser.close())

    def _send(self, found: Sequence[Found]) -> Iterator[Piece]:
        for piece in found:
            if isinstance(piece, Mark):
                yield from self._cite(piece)
            self.text += piece.text
            yield Words(piece.text)

    def _cite(self, mark: Mark) -> Iterator[Cited]:
        """Bind a mark; a later sentence that cites the same passage widens its quote."""
        passage = self.passages[mark.source - 1]
        start, end = bind(last_sentence(self.text), passage)
        known = self._spans.get(mark.number)
        if known:
            start, end = min(start, known[0]), max(end, known[1])
        if known != (start, end):
            self._spans[mark.number] = (start, end)
            yield Cited(mark.number, passage, start, end)


def _could_be_not_found(start: str) -> bool:
    """Whether a text is so far nothing but the agreed word, or a beginning of it."""
    said = _SPACE.sub("", start).strip("*_`\"'.")
    return prompts.NOT_FOUND.startswith(said) or (
        said.startswith(prompts.NOT_FOUND) and len(said) <= len(prompts.NOT_FOUND) + 3
    )


async def written(
    question: str,
    passages: Sequence[Passage],
    turns: Sequence[Turn],
    model: ChatModel,
    frame: Frame | None = None,
) -> AsyncGenerator[Piece]:
    """The answer as a model writes it.

    Raises:
        ModelTimeout, ModelFailed: before any text or after some; what went out stays true.
    """
    context = _fitted(question, passages, turns, model.config.window, frame or Frame())
    writer = Writer(context.passages)
    messages = prompts.build(question, context)
    used = 0
    try:
        async with aclosing(model.write(messages)) as tokens:
            async for token in tokens:
                used = token.tokens_used or used
                for piece in writer.feed(token.text):
                    yield piece
    except ModelError:
        for piece in writer.rest():
            yield piece
        raise
    for piece in writer.close():
        yield piece
    sent = sum(estimate_tokens(message.content) for message in messages)
    estimated = sent + estimate_tokens(writer.text)
    yield Used(used or estimated, estimated if used else 0)


def _fitted(
    question: str,
    passages: Sequence[Passage],
    turns: Sequence[Turn],
    window: int,
    frame: Frame,
) -> Context:
    frame = replace(frame, summary=cut(frame.summary, window // _SUMMARY_SHARE))
    fixed = f"{prompts.RULES}\n{question}\n{prompts.wishes(frame)}\n{frame.summary}"
    return fit(passages, turns, fixed=fixed, window=window, frame=frame)
