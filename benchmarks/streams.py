"""Many streamed answers at a time against a model that answers at once.

    python -m benchmarks.streams --readers 100 --rounds 3

Prints errors, time to the first token and to the end, and what the web processes held meanwhile:
threads, database connections, memory.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import httpx

from benchmarks.stage import ROOT, Stage, free_port, percentile, stage

QUESTION = "How do I add a document?"


@dataclass
class Figures:
    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    sources: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


async def read_one(client: httpx.AsyncClient, token: str, number: int, figures: Figures) -> None:
    started = time.perf_counter()
    call = client.stream(
        "POST",
        "/api/chat/stream/",
        json={"message": f"{QUESTION} ({number})"},
        headers={"Authorization": f"Bearer {token}"},
    )
    try:
        async with call as answer:
            if answer.status_code != 200:
                figures.errors.append(
                    f"status {answer.status_code}: {await answer.aread()!r}"[:200]
                )
                return
            await follow(answer, started, figures)
    except httpx.HTTPError as error:
        figures.errors.append(repr(error)[:200])


async def follow(answer: httpx.Response, started: float, figures: Figures) -> None:
    """Read one stream to its end and note when its first events came."""
    times: dict[str, float] = {}
    kind, last = "", {}
    async for line in answer.aiter_lines():
        if line.startswith("event:"):
            kind = line.split(":", 1)[1].strip()
            times.setdefault(kind, time.perf_counter() - started)
        elif line.startswith("data:") and kind in {"done", "error"}:
            last = json.loads(line[5:])
    figures.whole.append(time.perf_counter() - started)
    figures.first += [times["token"]] if "token" in times else []
    figures.sources += [times["sources"]] if "sources" in times else []
    if kind != "done" or last.get("state") != "done" or last.get("notice"):
        figures.errors.append(
            f"ended with {kind}: {last.get('state')} {last.get('notice') or last}"[:200]
        )


async def visitors(url: str, count: int) -> list[str]:
    """One visitor a reader, as each person may have two answers running."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        tokens = []
        for _ in range(count):
            answer = await client.post("/api/users/anonymous/")
            if answer.status_code == 429:  # visitors of one address are limited
                await asyncio.sleep(int(answer.headers["Retry-After"]))
                answer = await client.post("/api/users/anonymous/")
            answer.raise_for_status()
            tokens.append(answer.json()["access"])
        return tokens


async def one_round(url: str, tokens: list[str], figures: Figures) -> None:
    limits = httpx.Limits(max_connections=len(tokens) + 10)
    async with httpx.AsyncClient(base_url=url, timeout=180, limits=limits) as client:
        await asyncio.gather(
            *(read_one(client, token, n, figures) for n, token in enumerate(tokens))
        )


def held(running: Stage) -> dict[str, int]:
    """What the web processes hold now."""
    return {
        "threads": running.threads("web"),
        "database connections (SQLite files)": running.open_database_files("web"),
        "memory MB (unique, all web processes)": sum(mb for _, mb in running.memory_mb("web")),
    }


def watch(running: Stage, peaks: dict[str, int], stop: threading.Event) -> None:
    while not stop.wait(0.1):
        for name, value in held(running).items():
            peaks[name] = max(peaks.get(name, 0), value)


def report(number: int, figures: Figures) -> None:
    first, whole = figures.first, figures.whole
    print(
        f"round {number}: {len(whole)} answers, {len(figures.errors)} errors; first token"
        f" p50 {percentile(first, 0.5):.2f} p95 {percentile(first, 0.95):.2f} s;"
        f" whole p50 {percentile(whole, 0.5):.2f} p95 {percentile(whole, 0.95):.2f} s"
    )
    for error in sorted(set(figures.errors))[:5]:
        print("   ", error)


def measure(running: Stage, readers: int, rounds: int) -> None:
    tokens = asyncio.run(visitors(running.url, readers))
    asyncio.run(one_round(running.url, tokens[:2], Figures()))  # warm
    print("before:", held(running))
    peaks: dict[str, int] = {}
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(running, peaks, stop))
    watcher.start()
    for number in range(rounds):
        figures = Figures()
        asyncio.run(one_round(running.url, tokens, figures))
        report(number + 1, figures)
    stop.set()
    watcher.join()
    print("peaks: ", peaks)
    time.sleep(3)
    print("after: ", held(running))
    alone = Figures()
    for _ in range(10):
        asyncio.run(one_round(running.url, tokens[:1], alone))
    print(
        f"one reader alone: sources p50 {percentile(alone.sources, 0.5) * 1000:.0f} ms,"
        f" first token p50 {percentile(alone.first, 0.5) * 1000:.0f} ms, {len(alone.errors)} errors"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--extractive", action="store_true", help="no model: quoted answers")
    arguments = parser.parse_args()
    port = str(free_port())
    model = subprocess.Popen([sys.executable, "-m", "tests.model_server", "--port", port], cwd=ROOT)
    settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "none"}
    try:
        with stage(**({} if arguments.extractive else settings)) as running:
            load = [sys.executable, "manage.py", "load_docs", "docs", "--wait"]
            subprocess.run(load, cwd=ROOT, env=running.env, check=True)
            measure(running, arguments.readers, arguments.rounds)
    finally:
        model.terminate()


if __name__ == "__main__":
    main()
