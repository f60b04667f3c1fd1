"""The time to the first token on top of a model that answers at once."""

import asyncio
import time

import httpx

from benchmarks.answering.reader import Told, ask
from benchmarks.answering.setting import footnote, model, ms, tell, tell_errors, warm
from benchmarks.answering.site import Site
from benchmarks.stage import percentile

TOKENS = 20
ASKERS = 8


def measure(site: Site, count: int) -> None:
    print(
        f"\nfirst token, {site.chunks:,} chunks, one reader, the model answers at once", flush=True
    )
    questions, tokens = site.questions(count + ASKERS), site.people(ASKERS)
    with model(tokens=TOKENS) as address, footnote(site, address) as running:
        warm(running, tokens, questions)
        found = asyncio.run(_one_by_one(running.url, tokens, questions[:count]))
        peer = asyncio.run(_straight(address, count))
    tell_errors(found)
    written = [told for told in found if told.answer.get("model") not in {None, "extractive"}]
    seconds = [told.to_first for told in written if "token" in told.first]
    tell("written by the model", f"{len(written)} (the others were not found)")
    for kind in ("session", "sources"):
        tell(f"{kind}, ms", ms([t.first[kind] - t.asked for t in written if kind in t.first]))
    tell("first token, ms", ms(seconds))
    tell("the model alone, ms", ms(peer))
    mine, alone = percentile(seconds, 0.5), percentile(peer, 0.5)
    tell("Footnote's own, at the median, ms", f"{(mine - alone) * 1000:.1f}")
    tell("ratio to the model alone", f"{mine / alone:.1f}")


async def _one_by_one(url: str, tokens: list[str], questions: list[str]) -> list[Told]:
    return [
        await ask(url, tokens[number % ASKERS], question)
        for number, question in enumerate(questions)
    ]


async def _straight(url: str, count: int) -> list[float]:
    """The peer: seconds to the first token of the model itself."""
    found = []
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for number in range(count):
            body = {"messages": [{"role": "user", "content": f"({number})"}], "stream": True}
            began = time.monotonic()
            async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                await anext(answer.aiter_lines())
                found.append(time.monotonic() - began)
    return found
