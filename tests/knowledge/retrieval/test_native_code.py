"""FAISS is tried in a process of its own; where it kills that one, NumPy takes over."""

import os
import subprocess
import sys
from pathlib import Path

from knowledge.retrieval.backends.files import FilesEngine
from knowledge.retrieval.backends.native import engine_name, was_killed
from tests.knowledge.retrieval.making import EMBEDDER, rows

ROOT = Path(__file__).resolve().parents[3]
DIES = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"


def in_a_process(code, folder, *paths):
    """What code prints in a fresh process whose temporary folder is ``folder``."""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "TMPDIR": str(folder),
            "PYTHONPATH": os.pathsep.join([*map(str, paths), str(ROOT)]),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return ended.stdout.strip()


NAME = "from knowledge.retrieval.backends.native import engine_name; print(engine_name())"


def markers(folder):
    return [path.read_text() for path in folder.glob("footnote-faiss-*")]


def test_faiss_runs_here():
    assert engine_name() == "faiss"


def test_what_was_found_out_is_kept_for_the_machine(tmp_path):
    assert in_a_process(NAME, tmp_path) == "faiss"
    assert markers(tmp_path) == ["runs"]
    (marker,) = tmp_path.glob("footnote-faiss-*")
    marker.write_text("dies")
    assert in_a_process(NAME, tmp_path) == "numpy"
    marker.write_text("nonsense")
    assert in_a_process(NAME, tmp_path) == "faiss"
    assert markers(tmp_path) == ["runs"]


def test_where_faiss_kills_its_process_numpy_searches(tmp_path):
    deadly = tmp_path / "deadly"
    deadly.mkdir()
    (deadly / "faiss.py").write_text(DIES)
    FilesEngine(tmp_path / "index").build(
        "one", rows(["thirty days of leave", "desks"]), EMBEDDER.dimension, {}
    )
    code = (
        "from pathlib import Path\n"
        "from knowledge.retrieval.backends.files import FilesEngine, engine_name\n"
        f"index = FilesEngine(Path({str(tmp_path / 'index')!r})).open('one', verify=True)\n"
        "best = index.dense(index.vectors([1])[0], index.allow(None), 1)[0]\n"
        "print(engine_name(), best.row)\n"
    )
    assert in_a_process(code, tmp_path, deadly) == "numpy 1"
    assert markers(tmp_path) == ["dies"]


def test_only_a_signal_counts_as_killed():
    assert was_killed(-4)
    assert was_killed(0xC000001D)
    assert not was_killed(0)
    assert not was_killed(1)
