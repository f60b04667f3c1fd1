"""A Footnote and a scripted model for one part of the measurement, and how its figures are told."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from benchmarks.answering.reader import Told, ask
from benchmarks.answering.site import Site
from benchmarks.stage import ROOT, Stage, free_port, percentile, stage


@contextmanager
def model(**options: float) -> Iterator[str]:
    """A scripted model in a process of its own; its base URL."""
    port = free_port()
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "benchmarks.answering.model", f"--port={port}", *flags]
    process = subprocess.Popen(command, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(f"{url}/sent/0", timeout=2)
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


@contextmanager
def footnote(site: Site, address: str, **settings: str) -> Iterator[Stage]:
    """Two web processes on the site's documents, in front of a model or without one."""
    chosen = {"OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "none"} if address else {}
    with stage(worker=False, **site.settings(**chosen, **settings)) as running:
        yield running


def ms(values: Sequence[float]) -> str:
    """Seconds as p50, p95 and p99 in milliseconds."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return ", ".join(
        f"{name} {percentile(list(values), share) * 1000:.1f}" for name, share in shares.items()
    )


def tell(name: str, value: object) -> None:
    print(f"    {name:<34} {value}", flush=True)


def tell_errors(found: Sequence[Told]) -> None:
    bad = [told.error for told in found if told.error]
    tell("answers", f"{len(found)}, errors {len(bad)}")
    for error in sorted(set(bad))[:5]:
        print("      ", error)


def web_memory(running: Stage) -> int:
    """MB of both web processes (unique set)."""
    return sum(mb for _, mb in running.memory_mb("web"))


def warm(running: Stage, tokens: list[str], questions: list[str]) -> None:
    """Both processes load what the first question loads."""

    async def some() -> None:
        for _ in range(3):
            await asyncio.gather(
                *(ask(running.url, t, q) for t, q in zip(tokens, questions[-8:], strict=False))
            )

    asyncio.run(some())
