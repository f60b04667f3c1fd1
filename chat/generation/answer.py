"""Passages and a question in, pieces of an answer out: quoted, or written by a model."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from chat.generation import extractive, prompts
from chat.generation.addresses import Addresses
from chat.generation.citations import Found
from chat.generation.context import ANSWER_TOKENS, Context, Frame, Turn, estimate_tokens, fit
from chat.generation.dissent import Dissent, Said, dissent
from chat.generation.llm import ModelConfig, ModelError, Token
from chat.generation.modelconfig import Limits
from chat.generation.quotable import Embed
from chat.generation.rounds import Heard, Rounds, Toolbox
from chat.generation.sentences import Sentence
from chat.generation.support.holding import Gate, Holder
from chat.generation.understanding.memory import cut
from chat.generation.voice import Voice
from chat.generation.writer import Cited, LeftOut, NotFound, Piece, Sent, Used, Words, Writer
from knowledge.passages import Passage

__all__ = [
    "Cited",
    "LeftOut",
    "Manner",
    "Model",
    "NotFound",
    "Piece",
    "Sent",
    "Used",
    "Words",
    "Writer",
    "quote",
    "written",
]

SUMMARY_SHARE = 8  # of the window, at most: passages matter more than what was said long ago


class Model(Protocol):
    """What writes, and in whose words."""

    @property
    def config(self) -> ModelConfig: ...

    @property
    def voice(self) -> Voice: ...

    def write(
        self, messages: Sequence[prompts.Message], limits: Limits | None = None
    ) -> AsyncGenerator[Token]: ...


@dataclass(frozen=True)
class Manner:
    """How an answer is written: what else is known of its question, and what may be shown of it.

    ``gate`` is asked of each sentence before it is shown; without one all are shown at once.
    ``toolbox`` has the functions that the model may call; ``heard`` is told of each message of
    theirs that goes behind the prompt.
    """

    frame: Frame = field(default_factory=Frame)
    gate: Gate | None = None
    toolbox: Toolbox | None = None
    heard: Heard | None = None


Compare = Callable[[str, Mapping[int, Said], Sequence[Passage]], Dissent | None]


def quote(
    question: str,
    passages: Sequence[Passage],
    embed: Embed | None,
    compare: Compare = dissent,
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
    more = compare("".join(texts), said, passages)
    if more is not None:
        pieces += [Cited(n, one.passage, one.start, one.end) for n, one in more.quoted]
        pieces.append(Words(more.text))
        sentences = [*sentences, *more.sentences]
    return pieces, sentences


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
        manner: what else is known of the question, what may be shown, what may be called.

    Raises:
        ModelTimeout, ModelFailed: before any text or after some; what went out stays true.
    """
    manner = manner or Manner()
    context = _fitted(question, passages, turns, model, manner.frame)
    guard = model.config.guard
    addresses = Addresses.of((passage.text for passage in context.passages), guard.link_hosts)
    writer = Writer(context.passages, addresses)
    holder = Holder(writer.shelf, manner.gate) if manner.gate else None
    marker = prompts.new_marker()
    build = partial(prompts.build, question, context, marker, voice=model.voice)
    messages = await asyncio.to_thread(build, omits_orders=guard.omits_orders)
    rounds = Rounds(model, manner.toolbox, writer.shelf, writer.extend, marker, manner.frame.ratio)
    rounds.heard = manner.heard
    messages = rounds.opening(messages)
    yield Sent(tuple(messages), context, marker)
    used, was_redacted = 0, False
    try:
        async with aclosing(rounds.write()) as tokens:
            async for token in tokens:
                used = token.tokens_used or used
                was_redacted = was_redacted or token.was_redacted
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
    yield replace(_used(used, rounds, writer.text), was_redacted=was_redacted)


def _used(counted: int, rounds: Rounds, text: str) -> Used:
    """The tokens of an answer: as the provider counted them, else as we estimate them."""
    estimated = rounds.sent + estimate_tokens(text)
    # What several rounds wrote beside the text is not estimated: no ratio is learned from them.
    is_measured = bool(counted) and rounds.count == 1
    return Used(counted or estimated, estimated if is_measured else 0)


async def _ended(writer: Writer, holder: Holder | None, last: Sequence[Found]) -> list[Piece]:
    """The last pieces, and how much was left out."""
    if holder is None:
        return [*writer.send(last), *writer.end()]
    found = [*await holder.feed(last), *await holder.close()]
    is_changed = holder.left_out or holder.reworded
    left = [LeftOut(holder.left_out, holder.reworded)] if is_changed else []
    return [*writer.send(found), *writer.end(), *left]


def _fitted(
    question: str, passages: Sequence[Passage], turns: Sequence[Turn], model: Model, frame: Frame
) -> Context:
    config = model.config
    frame = replace(frame, summary=cut(frame.summary, config.window // SUMMARY_SHARE))
    rules = prompts.system(model.voice)
    fixed = f"{rules}\n{question}\n{prompts.wishes(frame)}\n{frame.summary}"
    window = config.window + ANSWER_TOKENS - config.answer_tokens
    return fit(passages, turns, fixed=fixed, window=window, frame=frame)
