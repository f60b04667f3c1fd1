"""The embedding of questions and passages: Footnote's paths beside sentence-transformers' default.

    python -m benchmarks.embedding --runs 3

Each path runs in a process of its own, one after the other, in turns; printed are medians over the
runs, and each figure's ratio to the peer's of the same run. CPU time is what other work on the
machine disturbs least. The peer is what a user would write: ``SentenceTransformer(folder)`` and
``encode``, threads and batches as the library chooses them.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
PATHS = ("sentence-transformers", "torch", "onnx, 1 thread", "onnx, 2 threads")
PEER = PATHS[0]
MODEL = "all-MiniLM-L6-v2"
_WORDS_A_PASSAGE = 150  # about 200 tokens
FIGURES = {
    "load s": "from nothing imported to the first vector",
    "USS MB": "memory of its own, after the questions",
    "question p50 ms": "",
    "question CPU ms": "",
    "passages/s": "of about 200 tokens",
    "passage CPU ms": "",
    "USS MB then": "after the passages",
}


def questions(count: int) -> list[str]:
    words = _words()
    return [" ".join(words[at * 7 : at * 7 + 8]) + "?" for at in range(count)]


def passages(count: int) -> list[str]:
    words = _words()
    step = max(1, (len(words) - _WORDS_A_PASSAGE) // count)
    return [" ".join(words[at * step : at * step + _WORDS_A_PASSAGE]) for at in range(count)]


def _words() -> list[str]:
    return " ".join(file.read_text() for file in sorted((ROOT / "docs").glob("*.md"))).split()


def make(path: str, models: Path) -> tuple[Callable[[str], Any], Callable[[Sequence[str]], Any]]:
    """How this path embeds a question, and how passages."""
    if path == PEER:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        from knowledge.retrieval.models import model_folder  # noqa: PLC0415

        model = SentenceTransformer(str(model_folder(MODEL)), device="cpu")
        return (
            lambda text: model.encode(text, normalize_embeddings=True),
            lambda texts: model.encode(list(texts), normalize_embeddings=True),
        )
    from core.native import limit_threads  # noqa: PLC0415

    limit_threads()
    from knowledge.retrieval.embedder import LocalEmbedder, LocalOptions  # noqa: PLC0415

    runtime, _, rest = path.partition(", ")
    options = LocalOptions(
        runtime=runtime, root=models, threads=int(rest.partition(" ")[0] or 1) if rest else 1
    )
    embedder = LocalEmbedder(MODEL, options)
    return embedder.embed_query, embedder.embed_passages


def measure(path: str, models: Path, counts: tuple[int, int]) -> dict[str, float]:
    """All figures of one path, in this process."""
    began = time.perf_counter()
    ask, embed = make(path, models)
    ask("warm up")
    found = {"load s": time.perf_counter() - began}
    taken = []
    cpu = time.process_time()
    for text in questions(counts[0]):
        began = time.perf_counter()
        ask(text)
        taken.append(time.perf_counter() - began)
    found["question CPU ms"] = (time.process_time() - cpu) * 1000 / counts[0]
    found["question p50 ms"] = float(np.median(taken)) * 1000
    found["USS MB"] = psutil.Process().memory_full_info().uss / 1e6
    texts = passages(counts[1])
    cpu, began = time.process_time(), time.perf_counter()
    embed(texts)
    found["passages/s"] = counts[1] / (time.perf_counter() - began)
    found["passage CPU ms"] = (time.process_time() - cpu) * 1000 / counts[1]
    found["USS MB then"] = psutil.Process().memory_full_info().uss / 1e6
    return found


def in_turns(models: Path, runs: int, counts: tuple[int, int]) -> list[dict[str, dict[str, float]]]:
    """The figures of each path, by run."""
    made = []
    for _ in range(runs):
        one = {}
        for path in PATHS:
            command = [sys.executable, "-m", "benchmarks.embedding", "--path", path]
            command += ["--models", str(models), "--questions", str(counts[0])]
            done = subprocess.run(
                [*command, "--passages", str(counts[1])],
                cwd=ROOT,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
                capture_output=True,
                text=True,
                check=True,
            )
            one[path] = json.loads(done.stdout.splitlines()[-1])
        made.append(one)
    return made


def report(made: list[dict[str, dict[str, float]]]) -> None:
    load = os.getloadavg()[0]
    print(f"{MODEL}, medians of {len(made)} runs; load {load:.1f} on {os.cpu_count()} cores")
    print(f"{'':24}" + "".join(f"{figure:>24}" for figure in FIGURES))
    for path in PATHS:
        cells = []
        for figure in FIGURES:
            value = median(one[path][figure] for one in made)
            ratio = median(one[path][figure] / one[PEER][figure] for one in made)
            cells.append(f"{value:.1f} ({ratio:.2f})".rjust(24))
        print(f"{path:24}" + "".join(cells))
    print("In brackets: the ratio to sentence-transformers in the same run.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--passages", type=int, default=64)
    parser.add_argument("--models", type=Path, default=Path(sys.prefix) / "prepared-models")
    parser.add_argument("--path", choices=PATHS, help="measure this one here, print JSON")
    given = parser.parse_args()
    counts = (given.questions, given.passages)
    if given.path:
        print(json.dumps(measure(given.path, given.models, counts)))
        return
    report(in_turns(given.models, given.runs, counts))


if __name__ == "__main__":
    main()
