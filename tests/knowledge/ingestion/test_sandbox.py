"""A hostile file harms the child that reads it and nothing else."""

import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from knowledge.ingestion.sandbox import Watch, extract, run_child
from knowledge.ingestion.types import (
    MEBIBYTE,
    ExtractionStopped,
    LimitExceeded,
    Limits,
    Progress,
    UnreadableFile,
)
from tests.knowledge.ingestion import making


def run_code(code, limits=Limits(), **watch):  # noqa: B008 - frozen
    """Run Python in place of the loader, after the child's own limits are set."""
    begin = (
        "import json, os, sys, time; from knowledge.ingestion import child; "
        "from knowledge.ingestion.types import Limits; "
        "child.limit_oneself(Limits(**json.loads(sys.argv[-1]))); "
    )
    return run_child((sys.executable, "-c", begin + code), (), Watch(limits, **watch))


def children():
    """The processes that this one has started and that run; a test runner has its own."""
    alive = (child for child in psutil.Process().children() if child.status() != "zombie")
    return {child.pid for child in alive}


def test_a_file_is_read_and_progress_is_told(tmp_path):
    told, before = [], children()
    pages = [["Page with some words"]] * 30
    extracted = extract(
        making.source(making.pdf(tmp_path / "a.pdf", pages)), on_progress=told.append
    )
    assert extracted.page_count == 30
    assert extracted.text[extracted.pages[29] :] == "Page with some words"
    assert told == sorted(told, key=lambda progress: (progress.percent, progress.pages_done))
    assert told[-1].pages in {0, 30}
    assert children() <= before


def test_progress_names_the_pages_that_are_done(tmp_path):
    told = []
    code = (
        "child.report(10, 1, 4); time.sleep(0.3); child.report(20, 2, 4); time.sleep(0.3); "
        "print('99'); print('5 1 4'); print('1000 9 9'); sys.stdout.flush(); time.sleep(0.3); "
        "open(sys.argv[-2], 'w').write(json.dumps({'error': 'UnreadableFile', 'sentence': 'x'}))"
    )
    with pytest.raises(UnreadableFile):
        run_code(code, on_progress=told.append)
    assert Progress(10, 1, 4) in told
    assert told[-1] == Progress(20, 2, 4)


def test_text_comes_back_exactly(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("# Größe 😀\n\n中文 “quoted” \\ / \u2028 end\n")
    extracted = extract(making.source(path))
    assert extracted.text == "# Größe 😀\n\n中文 “quoted” \\ /\n end"
    assert extracted.outline[0].title == "Größe 😀"


def test_a_loaders_own_refusal_comes_back_as_itself(tmp_path):
    with pytest.raises(UnreadableFile, match="needs a password"):
        extract(making.source(making.pdf(tmp_path / "a.pdf", [["x"]], password="p")))
    with pytest.raises(LimitExceeded, match="at most 2 are taken"):
        extract(making.source(making.pdf(tmp_path / "b.pdf", [["x"]] * 3)), Limits(max_pages=2))


@pytest.mark.faults
def test_a_flate_bomb_ends_in_a_sentence(tmp_path):
    path, before = making.flate_bomb(tmp_path / "a.pdf"), children()
    assert path.stat().st_size < 100_000
    with pytest.raises((LimitExceeded, UnreadableFile)) as caught:
        extract(making.source(path), Limits(wall_seconds=8))
    assert caught.value.sentence.endswith(".")
    assert children() <= before


@pytest.mark.faults
@pytest.mark.parametrize("code", ["os.abort()", "os.kill(os.getpid(), 11)", "sys.exit(3)", "1/0"])
def test_a_child_that_dies_is_a_file_that_broke_the_reader(code):
    with pytest.raises(UnreadableFile, match="broke the reader"):
        run_code(code)


@pytest.mark.faults
def test_a_child_that_hangs_is_killed_with_all_it_started():
    started = time.monotonic()
    with pytest.raises(LimitExceeded, match="longer"):
        run_code(
            "import subprocess; subprocess.Popen([sys.executable, '-c', 'import time; "
            "time.sleep(600)']); time.sleep(600)",
            Limits(wall_seconds=1.5),
        )
    assert time.monotonic() - started < 10
    sleeping = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "time.sleep(600)" in " ".join(process.info["cmdline"] or [])
        and process.status() != psutil.STATUS_ZOMBIE
    ]
    assert sleeping == []


@pytest.mark.faults
def test_cpu_time_is_limited():
    with pytest.raises(LimitExceeded, match="longer"):
        run_code("\nwhile True: pass", Limits(wall_seconds=3))


@pytest.mark.faults
def test_memory_is_limited():
    with pytest.raises((LimitExceeded, UnreadableFile)):
        run_code("x = b'1' * (900 * 1024 * 1024)", Limits(memory_bytes=400 * MEBIBYTE))


@pytest.mark.faults
def test_memory_is_watched_where_the_system_does_not_limit_it():
    code = "x = bytearray(300 * 1024 * 1024); time.sleep(20)"
    command = (sys.executable, "-c", "import time; " + code)
    with pytest.raises(LimitExceeded, match="memory"):
        run_child(command, (), Watch(Limits(memory_bytes=150 * MEBIBYTE, wall_seconds=15)))


def test_a_caller_can_stop_it():
    asked, before = threading.Event(), children()

    def should_stop():
        asked.set()
        return True

    with pytest.raises(ExtractionStopped):
        run_code("time.sleep(60)", should_stop=should_stop)
    assert asked.is_set()
    assert children() <= before


def test_a_result_that_is_not_json_is_refused():
    with pytest.raises(UnreadableFile):
        run_code("open(sys.argv[-2], 'wb').write(b'\\x80\\x04pickle')")


def test_a_result_over_the_cap_is_refused():
    limits = Limits(result_bytes=1000)
    command = (sys.executable, "-c", "import sys; open(sys.argv[-2], 'w').write('1' * 2000)")
    with pytest.raises(LimitExceeded):
        run_child(command, (), Watch(limits))


def test_the_child_sees_no_secrets_and_an_empty_folder(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do not tell")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    told = (
        "left = [n for n in os.environ if 'SECRET' in n or 'PROXY' in n] + os.listdir(); "
        "open(sys.argv[-2], 'w').write(json.dumps({'error': 'UnreadableFile', "
        "'sentence': repr(left)}))"
    )
    with pytest.raises(UnreadableFile, match=r"^\[\]$"):
        run_code(told)


def test_the_child_imports_nothing_heavy():
    code = (
        "import sys, knowledge.ingestion.child as c, knowledge.ingestion.loaders.pdf; "
        "heavy = {'django', 'torch', 'faiss', 'numpy', 'tantivy', 'celery'} & set(sys.modules); "
        'open(sys.argv[-2], \'w\').write(\'{"error": "UnreadableFile", "sentence": "%s"}\' '
        "% sorted(heavy))"
    )
    with pytest.raises(UnreadableFile, match=r"^\[\]$"):
        run_child((sys.executable, "-c", code), (), Watch(Limits()))


def test_what_is_read_lies_in_the_folder_of_the_caller(tmp_path):
    folder = tmp_path / "reading"
    folder.mkdir()
    told = (
        "open(sys.argv[-2], 'w').write(json.dumps({'error': 'UnreadableFile', "
        "'sentence': os.getcwd()}))"
    )
    with pytest.raises(UnreadableFile) as caught:
        run_code(told, folder=folder)
    assert Path(caught.value.sentence).parent == folder
    assert list(folder.iterdir()) == []
