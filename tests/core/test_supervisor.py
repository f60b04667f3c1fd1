"""The supervisor with small programs in place of the product's."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from core.supervisor import Program, Supervisor

FOREVER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(60)"
)


def python(name: str, code: str, **options: object) -> Program:
    return Program(name, (sys.executable, "-c", code), **options)  # type: ignore[arg-type]


class Stage:
    """A supervisor with what it wrote; ``steps`` run one after another as their lines come."""

    def __init__(self, *programs: Program) -> None:
        self.lines: list[str] = []
        self.deadline = time.monotonic() + 20
        self.supervisor = Supervisor(programs, self.write, self.turn)
        self.waiting: list[tuple[str, int, object]] = []

    def write(self, label: str, line: str) -> None:
        self.lines.append(f"{label}: {line}")

    def when(self, part: str, action: object, count: int = 1) -> "Stage":
        self.waiting.append((part, count, action))
        return self

    def turn(self) -> None:
        if time.monotonic() > self.deadline:
            self.supervisor.stop()
            self.supervisor.stop()
            raise AssertionError(self.lines)
        if self.waiting:
            part, count, action = self.waiting[0]
            if sum(part in line for line in self.lines) >= count:
                self.waiting.pop(0)
                action()  # type: ignore[operator]

    def run(self) -> float:
        started_at = time.monotonic()
        self.supervisor.run()
        return time.monotonic() - started_at

    def processes(self) -> list[int]:
        return [c.process.pid for c in self.supervisor._children if c.process]


def test_lines_are_labelled_and_all_end_when_asked() -> None:
    stage = Stage(python("one", FOREVER), python("two", FOREVER))
    stage.when("one: up", lambda: None).when("two: up", stage.supervisor.stop)
    assert stage.run() < 10
    assert stage.processes() == []


def test_a_program_that_dies_is_started_again() -> None:
    stage = Stage(python("one", FOREVER))
    stage.when("one: up", lambda: os.kill(stage.processes()[0], signal.SIGKILL))
    stage.when("one: up", stage.supervisor.stop, count=2)
    stage.run()
    assert any("ended with status -9; starts again in 1 s" in line for line in stage.lines)


def test_pauses_grow_while_a_program_keeps_dying() -> None:
    stage = Stage(python("one", "raise SystemExit(3)"))
    stage.when("starts again in 2 s", stage.supervisor.stop)
    stage.run()
    assert [line[-3:] for line in stage.lines] == ["1 s", "2 s"]


def test_a_program_that_ignores_the_request_is_killed_at_the_second() -> None:
    stage = Stage(python("one", STUBBORN))

    def twice() -> None:
        stage.supervisor.stop()
        threading.Timer(0.5, stage.supervisor.stop).start()

    stage.when("one: up", twice)
    assert stage.run() < 10


def test_a_restart_is_no_failure_and_comes_at_once() -> None:
    stage = Stage(python("one", FOREVER), python("two", FOREVER))
    stage.when("one: up", lambda: None)  # else it is asked before it has said so, and says it once
    stage.when("two: up", lambda: stage.supervisor.restart({"one"}))
    stage.when("one: up", stage.supervisor.stop, count=2)
    stage.run()
    assert not any("starts again" in line for line in stage.lines)
    assert stage.lines.count("two: up") == 1


def test_a_program_for_once_runs_once_and_says_when_it_ended_well() -> None:
    ended: list[bool] = []
    program = python("docs", "print('loaded')", is_once=True, on_end=lambda: ended.append(True))
    stage = Stage(program, python("one", FOREVER))
    stage.when("docs: loaded", lambda: None)
    stage.when("one: up", lambda: threading.Timer(1.0, stage.supervisor.stop).start())
    stage.run()
    assert ended == [True]
    assert stage.lines.count("docs: loaded") == 1


def test_what_a_program_started_goes_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = (
        "import subprocess, sys, time, pathlib;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid));"
        "print('up', flush=True); time.sleep(60)"
    )
    stage = Stage(python("one", parent))
    stage.when("one: up", stage.supervisor.stop)
    stage.run()
    assert is_gone(int(note.read_text()))


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


def is_alive(pid: int) -> bool:
    """A process that runs; a zombie that nobody has waited for yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_long_output_and_an_unfinished_line_are_kept_whole() -> None:
    code = "print('x' * 200_000); print('last', end='')"
    stage = Stage(python("one", code, is_once=True), python("two", FOREVER))
    stage.when("one: last", stage.supervisor.stop)
    stage.run()
    assert "one: " + "x" * 200_000 in stage.lines
