"""Whole answers without a model, with many callers at a time."""

import asyncio
import time

from benchmarks.answering.reader import Told, ask
from benchmarks.answering.setting import footnote, ms, tell, tell_errors, warm
from benchmarks.answering.site import Site

ALONE = 30  # questions of one caller, for comparison


def measure(site: Site, callers: int, rounds: int) -> None:
    print(f"\nquoted answers, {callers} callers at a time, {site.chunks:,} chunks", flush=True)
    questions, people = site.questions(callers * rounds), site.people(callers)
    with footnote(site, "") as running:
        warm(running, people[:4], questions)
        peer = asyncio.run(_in_turn(running.url, people[0], questions[:ALONE]))
        began = time.monotonic()
        found = asyncio.run(_at_a_time(running.url, people, questions))
        seconds = time.monotonic() - began
    tell_errors(found)
    quoted = sum(told.answer.get("outcome") == "answered" for told in found)
    tell("answered", f"{quoted}, {len(found) / seconds:.1f} answers a second")
    tell("whole answer, ms", ms([told.whole for told in found]))
    tell("one caller alone, ms", ms([told.whole for told in peer]))


async def _in_turn(url: str, token: str, questions: list[str]) -> list[Told]:
    return [await ask(url, token, question) for question in questions]


async def _at_a_time(url: str, people: list[str], questions: list[str]) -> list[Told]:
    """Each caller asks again as soon as the answer is there."""
    callers = [
        _in_turn(url, token, questions[number :: len(people)])
        for number, token in enumerate(people)
    ]
    return [told for each in await asyncio.gather(*callers) for told in each]
