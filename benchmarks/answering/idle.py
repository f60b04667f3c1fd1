"""Many streams in which nothing is said for a while, and what they hold."""

import asyncio
import time

from benchmarks.answering.reader import Told, ask
from benchmarks.answering.setting import footnote, model, tell, tell_errors, web_memory
from benchmarks.answering.site import Site
from benchmarks.answering.streams import through
from benchmarks.stage import Stage

QUIET_SECONDS = 60.0  # before the model says its first word
LOOK_SECONDS = 3.0


def measure(site: Site, readers: int) -> None:
    print(f"\n{readers:,} streams that wait for their model, {site.chunks:,} chunks", flush=True)
    questions, people = site.questions(readers), site.people(readers)
    patience = str(int(QUIET_SECONDS * 8))
    settings = {
        "MODEL_CALLS_AT_ONCE": str(readers), "MODEL_FIRST_TOKEN_SECONDS": patience,
        "MODEL_TIMEOUT_SECONDS": patience,
    }  # fmt: skip
    with (
        model(tokens=5, first_delay=QUIET_SECONDS) as address,
        footnote(site, address, **settings) as running,
    ):
        asyncio.run(ask(running.url, people[0], questions[0]))
        held: dict[str, list[float]] = {}
        found = asyncio.run(_watched(running, people, questions, held))
        time.sleep(5)
        after = web_memory(running)
    tell_errors(found)
    before, most = held["memory"][0], max(held["memory"])
    tell("streams open at a time", f"{max(held['open']):.0f}")
    tell("heartbeats read", sum(told.pings for told in found))
    tell("memory of web, MB", f"{before:.0f} before, {most:.0f} at most, {after} after")
    tell("KB a stream", f"{(most - before) * 1024 / readers:.0f}")
    tell("threads of web", f"{max(held['threads']):.0f}")
    tell("CPU of web while nothing is said", f"{min(held['cpu']):.1f} % of a core")


async def _watched(
    running: Stage, people: list[str], questions: list[str], held: dict[str, list[float]]
) -> list[Told]:
    """All streams at a time, and a look at the web processes every few seconds."""
    asking = asyncio.ensure_future(through(running, people, questions))
    processes = running.tree("web")
    port = int(running.url.rpartition(":")[2])
    for process in processes:
        process.cpu_percent()
    while not asking.done():
        look = {
            "memory": web_memory(running),
            "threads": running.threads("web"),
            "cpu": sum(process.cpu_percent() for process in processes),
            "open": sum(
                one.status == "ESTABLISHED" and one.laddr.port == port
                for process in processes
                for one in process.net_connections("tcp")
            ),
        }
        for name, value in look.items():
            held.setdefault(name, []).append(value)
        await asyncio.wait({asking}, timeout=LOOK_SECONDS)
    return asking.result()
