"""Footnote's search beside what people would copy instead: one run, one machine, one model.

    python -m benchmarks.retrieval prepare FOLDER --from PATH…   texts and vectors, made once
    python -m benchmarks.retrieval FOLDER [--chunks 10000 100000] [--own 1000000]
        [--peers all|none|NAME…] [--peers-python PATH] [--callers 1 16]

Both sides have the same texts, the same vectors and the same files of the bundled model, and are
asked the same questions, each once: fragments of 5 to 9 words, half of them out of passages that
are not indexed. Footnote is asked through ``knowledge.search.search``: hybrid, within what a reader
with groups may see, and with the last look at the database. Peers run in an environment of their
own (``pip install -r benchmarks/requirements-peers.txt``). Every step is a process of its own, so
that memory and start-up are its own too.

``prepare`` takes any folders of HTML or text, such as the unpacked documentation packages of a
distribution, and embeds ``--vectors`` of the passages; it can be stopped and started again. FOLDER
takes 3 GB at 100,000 chunks and 12 GB more at 1,000,000.
"""

import argparse
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparison import corpus
from benchmarks.comparison.table import Figures, print_ratios, print_table
from knowledge.retrieval.embedder import LocalEmbedder
from knowledge.retrieval.models import BUNDLED

ROOT = Path(__file__).resolve().parent.parent
PEERS = (
    "langchain", "chroma", "txtai", "llamaindex-faiss", "txtai-hybrid", "langchain-ensemble",
    "llamaindex", "haystack",
)  # fmt: skip
QUESTIONS = 30_000
NEW = 200  # passages that are added


@dataclass
class Plan:
    """What is asked of one size of the corpus."""

    folder: Path
    chunks: int
    peers: list[str]
    options: argparse.Namespace
    figures: list[Figures] = field(default_factory=list)

    @property
    def work(self) -> Path:
        return self.folder / f"run-{self.chunks}"

    def order(self, step: str, folder: Path) -> Path:
        """What one process is to do, as a file."""
        path = self.work / "order.json"
        values = {
            "step": step, "folder": str(folder), "corpus": str(self.folder), "chunks": self.chunks,
            "texts": str(self.work / "texts.jsonl"), "vectors": str(self.work / "vectors.npy"),
            "questions": str(self.work / "questions.jsonl"), "new": str(self.work / "new.jsonl"),
            "callers": self.options.callers, "seconds": self.options.seconds,
            "most": self.options.most,
        }  # fmt: skip
        path.write_text(json.dumps(values), encoding="utf-8")
        return path


def write_inputs(plan: Plan) -> None:
    """The texts, vectors and questions of one size; vectors only where peers want them."""
    plan.work.mkdir(exist_ok=True)
    made = corpus.Corpus(plan.folder)
    questions = corpus.questions(made.texts, plan.chunks, seed=plan.chunks)
    _write_lines(plan.work / "questions.jsonl", (next(questions) for _ in range(QUESTIONS)))
    _write_lines(plan.work / "new.jsonl", made.texts[-NEW:])
    if plan.peers and not (plan.work / "vectors.npy").exists():
        _write_lines(plan.work / "texts.jsonl", (made.text(n) for n in range(plan.chunks)))
        np.save(plan.work / "vectors.npy", made.vectors(0, plan.chunks))


def _write_lines(path: Path, lines: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def footnote(plan: Plan, *steps: str) -> Figures:
    """Footnote's own steps, on a database and an index below the work folder."""
    site = plan.work / "site"
    env = {
        **os.environ, "ENV_FILE": "", "SECRET_KEY": secrets.token_hex(32), "DATA_DIR": str(site),
        "LOG_LEVEL": "WARNING", "DATABASE_URL": "", "REDIS_URL": "",
    }  # fmt: skip
    if "fill" in steps:
        shutil.rmtree(site, ignore_errors=True)
        site.mkdir(parents=True)
        for command in (["migrate", "-v", "0"], ["prepare_model"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True)
    figures = Figures("footnote", is_hybrid=True)
    for step in steps:
        command = [sys.executable, "-m", "benchmarks.comparison.footnote", step]
        run([*command, str(plan.order(step, site))], figures, plan.options.own_limit, env)
    return figures


def peer(plan: Plan, name: str) -> Figures:
    figures = Figures(name, is_hybrid="hybrid" in name or "ensemble" in name)
    folder = plan.work / f"peer-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    script = str(ROOT / "benchmarks" / "comparison" / "running.py")
    for step in ("build", "ask"):
        command = [plan.options.peers_python, script, name, str(plan.order(step, folder))]
        if not run(command, figures, plan.options.limit, dict(os.environ)):
            break
    shutil.rmtree(folder, ignore_errors=True)
    return figures


def run(command: list[str], figures: Figures, limit: float, env: dict[str, str]) -> bool:
    """One process; what it tells before its time is over counts. False where it failed."""
    before = os.getloadavg()[0]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=env, timeout=limit, text=True, capture_output=True, check=False
        )
        output, problem = done.stdout, done.stderr if done.returncode else ""
    except subprocess.TimeoutExpired as late:
        output = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
        problem = f"stopped after {limit:.0f} s"
    for told in _told(output):
        figures.take(told)
    if problem:
        figures.problem = problem.strip().splitlines()[-1][:200]
    print(f"  {figures.name} {command[-2]}: load before {before:.1f}  {figures.line()}", flush=True)
    return not problem


def _told(output: str) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        if line.startswith("FIGURE "):
            yield json.loads(line.removeprefix("FIGURE "))


def compare(plan: Plan) -> None:
    """Footnote before and after its peers: what else the machine does may change meanwhile."""
    print(f"\n{plan.chunks:,} chunks", flush=True)
    write_inputs(plan)
    own = footnote(plan, "fill", "build", "ask")
    plan.figures.append(own)
    plan.figures.extend(peer(plan, name) for name in plan.peers)
    if plan.peers:
        again = footnote(plan, "ask")
        again.name = "footnote again"
        plan.figures.append(again)
    own.add(footnote(plan, "ingest"))
    print_table(plan.figures)
    print_ratios(plan.figures)
    if not plan.options.keep:
        shutil.rmtree(plan.work, ignore_errors=True)


def prepare(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.retrieval prepare")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--from", dest="sources", type=Path, nargs="+", default=[])
    parser.add_argument("--vectors", type=int, default=50_000)
    options = parser.parse_args(arguments)
    if options.sources:
        print(f"{corpus.extract(options.sources, options.folder):,} passages")
    corpus.embed(options.folder, options.vectors, LocalEmbedder(BUNDLED))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chunks", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--own", type=int, nargs="*", default=[1_000_000], help="without peers")
    parser.add_argument("--peers", nargs="*", default=["all"], choices=["all", "none", *PEERS])
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--seconds", type=float, default=15, help="of each load")
    parser.add_argument("--most", type=int, default=3000, help="questions of each load")
    parser.add_argument("--limit", type=float, default=600, help="seconds of a peer's step")
    parser.add_argument("--own-limit", type=float, default=3600)
    parser.add_argument("--keep", action="store_true", help="leave databases and indexes there")
    return parser.parse_args()


def main() -> None:
    if sys.argv[1:2] == ["prepare"]:
        prepare(sys.argv[2:])
        return
    options = read_options()
    chosen = PEERS if "all" in options.peers else [n for n in options.peers if n != "none"]
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} {platform.platform()}, {os.cpu_count()} cores,"
          f" Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    for chunks in options.chunks:
        compare(Plan(options.folder, chunks, list(chosen), options))
    for chunks in options.own:
        compare(Plan(options.folder, chunks, [], options))


if __name__ == "__main__":
    main()
