"""What Footnote adds to a model: time to the first token, to each token, memory, whole answers.

    python -m benchmarks.answers FOLDER [--only first streams idle quotes] [--chunks 100000]

FOLDER holds texts and vectors, as ``python -m benchmarks.retrieval prepare`` makes them. The model
is a scripted server on the same machine, and the readers are another process on it too. The peer is
the same reader at the same model without Footnote between them, in the same run.

first    one reader after the other; the model answers at once
streams  100 readers at a time; 300 tokens at 20 a second for each
idle     1,000 readers who wait for a model that takes its time; memory of the web processes
quotes   100 callers at a time without a model, at 10,000 chunks

With DATABASE_URL and REDIS_URL in the environment all of it runs on those (an empty database).
"""

import argparse
import os
import platform
import resource
from collections.abc import Sequence
from pathlib import Path

from benchmarks.answering import first, idle, quotes, streams
from benchmarks.answering.site import Site

PARTS = ("first", "streams", "idle", "quotes")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--quoted-chunks", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3, help="of quoted answers")
    parser.add_argument("--keep", action="store_true", help="leave databases and indexes there")
    return parser.parse_args()


def measure(given: argparse.Namespace, chunks: int, parts: Sequence[str]) -> None:
    site = Site(given.folder, chunks)
    if not site.is_there:
        site.make()
    work = {
        "first": lambda: first.measure(site, given.questions),
        "streams": lambda: streams.measure(site, given.readers),
        "idle": lambda: idle.measure(site, given.idle),
        "quotes": lambda: quotes.measure(site, given.readers, given.rounds),
    }
    try:
        for part in parts:
            work[part]()
    finally:
        if not given.keep:
            site.remove()


def main() -> None:
    given = options()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    engine = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    load = os.getloadavg()[0]
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" {engine}, load {load:.1f}"
    )
    many = [part for part in PARTS if part in given.only and part != "quotes"]
    if many:
        measure(given, given.chunks, many)
    if "quotes" in given.only:
        measure(given, given.quoted_chunks, ["quotes"])


if __name__ == "__main__":
    main()
