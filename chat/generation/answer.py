"""Passages and a question in, pieces of an answer out: quoted, or written by a model."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

from chat.generation import extractive, prompts
from chat.generation.addresses import Addresses
from chat.generation.binding import bind
from chat.generation.citations import CitationParser, Found, Mark
from chat.generation.context import ANSWER_TOKENS, Context, Frame, Turn, estimate_tokens, fit
from chat.generation.dissent import Said, dissent
from chat.generation.leaks import LeakWatch
from chat.generation.llm import ModelConfig, ModelError, ModelFailed, Token
from chat.generation.outgoing import Outgoing
from chat.generation.quotable import Embed
from chat.generation.sentences import Sentence, last_sentence
from chat.generation.support.holding import Gate, Holder
from chat.generation.understanding.memory import cut
from chat.generation.voice import Voice
from knowledge.passages import Passage

_SUMMARY_SHARE = 8  # of the window, at most: passages matter more than what was said long ago
_SPACE = re.compile(r"\s+")


class Model(Protocol):
    """What writes, and in whose words."""

    @property
    def config(self) -> ModelConfig: ...

    @property
    def voice(self) -> Voice: ...

    def write(self, messages: Sequence[prompts.Message]) -> AsyncGenerator[Token]: ...


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


@dataclass(frozen=True)
class LeftOut:
    """So many sentences were not shown, since their passages do not support them."""

    sentences: int


Piece = Words | Cited | NotFound | Used | LeftOut


@dataclass(frozen=True)
class Manner:
    """How an answer is written: what else is known of its question, and what may be shown of it.

    ``gate`` is asked of each sentence before it is shown; without one all are shown at once.
    """

    frame: Frame = field(default_factory=Frame)
    gate: Gate | None = None


def quote(
    question: str, passages: Sequence[Passage], embed: Embed | None
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
    said = {
        number: Said(quoted.passage, quoted.start, quoted.end)
        for number, quoted in enumerate(quotes, start=1)
    }
    more = dissent("".join(texts), said, passages)
    if more is not None:
        pieces += [Cited(n, one.passage, one.start, one.end) for n, one in more.quoted]
        pieces.append(Words(more.text))
        sentences = [*sentences, *more.sentences]
    return pieces, sentences


@dataclass
class Writer:
    """A model's tokens into pieces: marks bound to passages, nothing sent that is not final."""

    passages: Sequence[Passage]
    addresses: Addresses = field(default_factory=Addresses)
    text: str = ""  # what went out
    _start: str = ""  # held back while it could still be the word for "not found"
    _has_begun: bool = False
    _spans: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._parser = CitationParser(len(self.passages))
        self._outgoing = Outgoing(self.addresses)
        self._watch = LeakWatch(prompts.RULES)

    def feed(self, token: str) -> Iterator[Piece]:
        """The pieces of a token; raises ModelFailed where the model recites its rules."""
        yield from self.send(self.read(token))
        self.check()

    def close(self) -> Iterator[Piece]:
        last = self.finish()
        yield from [last] if isinstance(last, NotFound) else [*self.send(last), *self.end()]

    def read(self, token: str) -> list[Found]:
        """The words and marks of a token, as far as they are known."""
        return self._take(self._watch.feed(token))

    def check(self) -> None:
        """Raise ModelFailed where the model recites its rules."""
        if self._watch.recites:
            raise ModelFailed("the answer recites its rules")

    def _take(self, token: str) -> list[Found]:
        if self._has_begun:
            return self._parser.feed(token)
        self._start += token
        if _could_be_not_found(self._start):
            return []
        self._has_begun = True
        return self._parser.feed(self._start.lstrip())

    def finish(self) -> list[Found] | NotFound:
        """What was held back, at the model's own end."""
        found = self._take(self._watch.close())
        if not self._has_begun:
            self._has_begun = True
            if prompts.NOT_FOUND in self._start:
                return NotFound()
            found = self._parser.feed(self._start.lstrip())
        return [*found, *self._parser.close()]

    def rest(self) -> list[Found]:
        """What was held back when the model broke off."""
        found = self._take(self._watch.close())
        return [*found, *self._parser.close()] if self._has_begun else []

    def end(self) -> Iterator[Piece]:
        """What is known to be harmless only when nothing more comes; after the last ``send``."""
        yield from self._say(self._outgoing.close())

    def send(self, found: Sequence[Found]) -> Iterator[Piece]:
        for piece in found:
            if isinstance(piece, Mark):
                yield from self._say(self._outgoing.mark(piece.text))
                yield from self._cite(piece)
                yield from self._say(piece.text)
            else:
                yield from self._say(self._outgoing.feed(piece.text))

    def _say(self, text: str) -> Iterator[Words]:
        if text:
            self.text += text
            yield Words(text)

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
    model: Model,
    manner: Manner | None = None,
) -> AsyncGenerator[Piece]:
    """The answer as a model writes it.

    Args:
        question: the reader's words.
        passages: ranked, best first.
        turns: oldest first.
        model: who writes.
        manner: what else is known of the question, and what may be shown.

    Raises:
        ModelTimeout, ModelFailed: before any text or after some; what went out stays true.
    """
    manner = manner or Manner()
    context = _fitted(question, passages, turns, model, manner.frame)
    guard = model.config.guard
    addresses = Addresses.of((passage.text for passage in context.passages), guard.link_hosts)
    writer = Writer(context.passages, addresses)
    holder = Holder(context.passages, manner.gate) if manner.gate else None
    messages = await asyncio.to_thread(
        prompts.build, question, context, voice=model.voice, omits_orders=guard.omits_orders
    )
    used = 0
    try:
        async with aclosing(model.write(messages)) as tokens:
            async for token in tokens:
                used = token.tokens_used or used
                found = writer.read(token.text)
                for piece in writer.send(await holder.feed(found) if holder else found):
                    yield piece
                writer.check()
    except ModelError:
        for piece in await _ended(writer, holder, writer.rest()):
            yield piece
        raise
    last = writer.finish()
    for piece in [last] if isinstance(last, NotFound) else await _ended(writer, holder, last):
        yield piece
    sent = sum(estimate_tokens(message.content) for message in messages)
    estimated = sent + estimate_tokens(writer.text)
    yield Used(used or estimated, estimated if used else 0)


async def _ended(writer: Writer, holder: Holder | None, last: Sequence[Found]) -> list[Piece]:
    """The last pieces, and how much was left out."""
    if holder is None:
        return [*writer.send(last), *writer.end()]
    found = [*await holder.feed(last), *await holder.close()]
    left = [LeftOut(holder.left_out)] if holder.left_out else []
    return [*writer.send(found), *writer.end(), *left]


def _fitted(
    question: str, passages: Sequence[Passage], turns: Sequence[Turn], model: Model, frame: Frame
) -> Context:
    config = model.config
    frame = replace(frame, summary=cut(frame.summary, config.window // _SUMMARY_SHARE))
    rules = prompts.system(model.voice)
    fixed = f"{rules}\n{question}\n{prompts.wishes(frame)}\n{frame.summary}"
    window = config.window + ANSWER_TOKENS - config.answer_tokens
    return fit(passages, turns, fixed=fixed, window=window, frame=frame)
