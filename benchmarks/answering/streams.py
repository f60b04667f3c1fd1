"""What Footnote adds to each token of many streams at a time."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import httpx

from benchmarks.answering import model as scripted
from benchmarks.answering.reader import Told, ask, delays
from benchmarks.answering.setting import (
    footnote,
    model,
    ms,
    tell,
    tell_errors,
    warm,
    web_memory,
)
from benchmarks.answering.site import Site
from benchmarks.stage import Stage, percentile

TOKENS, DELAY = 300, 0.05
ROUNDS = 2


@dataclass(frozen=True)
class Added:
    """Seconds between a token's sending by the model and its coming to the reader."""

    words: list[float]
    marks: list[float]  # which wait for the next token: only it tells a mark from a link


def measure(site: Site, readers: int) -> None:
    speed = f"{TOKENS} tokens at {1 / DELAY:.0f} a second"
    print(f"\n{readers} streams of {speed}, {site.chunks:,} chunks", flush=True)
    questions, people = site.questions(readers), site.people(readers)
    # The system gives connections to either web process as it likes: at worst all to one.
    settings = {"MODEL_CALLS_AT_ONCE": str(readers)}
    with (
        model(tokens=TOKENS, delay=DELAY) as address,
        footnote(site, address, **settings) as running,
    ):
        warm(running, people[:4], questions)
        before = web_memory(running)
        for number in range(ROUNDS):
            print(f"  round {number + 1}")
            began = time.monotonic()
            found = asyncio.run(through(running, people, questions, number * readers))
            tell("seconds", f"{time.monotonic() - began:.1f}")
            tell_errors(found)
            tell("first token, ms", ms([told.to_first for told in found if "token" in told.first]))
            added = _added(address, found)
            tell("added to a word, ms", f"{ms(added.words)} ({len(added.words):,} words)")
            tell("to a mark (waits for a token), ms", ms(added.marks))
        tell("memory of web, MB", f"{before} before, {web_memory(running)} after")
        alone = _added(address, asyncio.run(_peer(address, readers)))
    tell("without Footnote between, ms", ms(alone.words))
    ratio = percentile(added.words, 0.99) / percentile(alone.words, 0.99)
    tell("ratio of the p99", f"{ratio:.1f}")


async def through(
    running: Stage, people: list[str], questions: list[str], first: int = 0
) -> list[Told]:
    """All readers at a time, each with a question of their own, numbered from ``first``."""
    asked = [
        ask(running.url, token, f"{question} ({number})", number)
        for number, (token, question) in enumerate(zip(people, questions, strict=True), first)
    ]
    return await asyncio.gather(*asked)


def _added(address: str, found: Sequence[Told]) -> Added:
    pieces = scripted.pieces(TOKENS)
    lengths = list(accumulate(len(piece) for piece in pieces))
    added = Added([], [])
    for told in found:
        sent = httpx.get(f"{address}/sent/{told.number}", timeout=30).json()
        for piece, delay in zip(pieces, delays(told, lengths, sent), strict=False):
            (added.marks if "[" in piece else added.words).append(delay)
    return added


async def _peer(address: str, readers: int) -> list[Told]:
    """The same readers at the model itself."""
    found = await asyncio.gather(*(_read_straight(address, number) for number in range(readers)))
    return [Told(number, at=at) for number, at in enumerate(found)]


async def _read_straight(url: str, number: int) -> list[tuple[int, float]]:
    """Code points so far, and the moment at which they were there."""
    body = {"messages": [{"role": "user", "content": f"({number})"}], "stream": True}
    lengths = iter(accumulate(len(piece) for piece in scripted.pieces(TOKENS)))
    at: list[tuple[int, float]] = []
    async with (
        httpx.AsyncClient(timeout=120) as client,
        client.stream("POST", f"{url}/v1/chat/completions", json=body) as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith("data: {") and (length := next(lengths, None)) is not None:
                at += [(length, time.monotonic())]
    return at
