"""Several programs as one: started together, labelled, restarted when they die, ended together.

All of it runs in one thread, because Linux ties a child's life to the *thread* that started it
(see ``core.launch``).
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

STOP_SECONDS = 30  # above core.hosting.DRAIN_SECONDS
RELOAD_SECONDS = 5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a child that lived this long starts again at once
TURN_SECONDS = 0.2
ATTEMPTS_ONCE = 3
CHUNK_BYTES = 65536
LAUNCHER = Path(__file__).with_name("launch.py")

Write = Callable[[str, str], None]  # (label, line)


@dataclass(frozen=True)
class Program:
    """What to run.

    Attributes:
        name: the label of its lines.
        command: the absolute path of a program, then its arguments.
        niceness: added to this process's own.
        fds: descriptors that it inherits.
        is_once: it is not started again when it ends well.
        on_end: called when it has ended well.
    """

    name: str
    command: tuple[str, ...]
    niceness: int = 0
    fds: tuple[int, ...] = ()
    is_once: bool = False
    on_end: Callable[[], None] = lambda: None


@dataclass
class _Child:
    """A program and its present process."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0  # monotonic; when to start (again)
    kill_at: float | None = None  # monotonic; set once it was asked to stop
    failures: int = 0
    rest: bytes = field(default=b"", repr=False)  # output without its line's end yet
    is_done: bool = False


class Supervisor:
    """Runs programs until ``stop`` is called."""

    def __init__(
        self,
        programs: Sequence[Program],
        write: Write,
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._write = write
        self._on_turn = on_turn
        self._selector = selectors.DefaultSelector()
        self._stop_requests = 0

    def stop(self) -> None:
        """Ask all to end; asked twice, they are killed. Safe in a signal handler."""
        self._stop_requests += 1

    def restart(self, names: Collection[str]) -> None:
        """Ask programs to end; each is started again as soon as it has."""
        for child in self._children:
            if child.program.name in names and child.process and child.kill_at is None:
                child.failures = 0
                self._ask(child, RELOAD_SECONDS)

    def run(self) -> None:
        """Run until asked to stop; returns when no child is left."""
        while not self._stop_requests:
            for child in self._children:
                if not child.process and not child.is_done and time.monotonic() >= child.due_at:
                    self._start(child)
            self._turn()
            self._on_turn()
        for child in self._children:
            self._ask(child, STOP_SECONDS)
        while any(child.process for child in self._children):
            if self._stop_requests > 1:
                self._kill_all()
            self._turn()
        self._selector.close()

    def _start(self, child: _Child) -> None:
        program = child.program
        launch = (sys.executable, "-P", str(LAUNCHER), str(os.getpid()), str(program.niceness))
        child.process = subprocess.Popen(  # noqa: S603  (our own programs, no shell)
            (*launch, *program.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=LAUNCHER.parent.parent,
            pass_fds=program.fds,
            start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone
        )
        child.started_at = time.monotonic()
        child.kill_at = None
        if child.process.stdout:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _turn(self) -> None:
        for key, _ in self._selector.select(TURN_SECONDS):
            self._read(key.data)
        for child in self._children:
            if child.process and child.process.poll() is not None:
                self._bury(child)
            elif child.process and child.kill_at and time.monotonic() > child.kill_at:
                _signal_group(child.process, signal.SIGKILL)

    def _read(self, child: _Child) -> bool:
        """Write the whole lines that came; returns whether anything did."""
        output = child.process.stdout if child.process else None
        if output is None:
            return False
        try:
            chunk = os.read(output.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:  # the end: a selector would report it for ever
            self._deafen(output)
        *lines, child.rest = (child.rest + chunk).split(b"\n")
        for line in filter(None, lines):
            self._write(child.program.name, line.decode(errors="replace"))
        return bool(chunk)

    def _deafen(self, output: IO[bytes]) -> None:
        with suppress(KeyError):
            self._selector.unregister(output)

    def _bury(self, child: _Child) -> None:
        """Take leave of a dead process, of its own children, and say when the next one starts."""
        process = child.process
        if process is None:
            return
        while self._read(child):
            pass
        if child.rest:
            self._write(child.program.name, child.rest.decode(errors="replace"))
        child.rest = b""
        if process.stdout:
            self._deafen(process.stdout)
            process.stdout.close()
        _signal_group(process, signal.SIGKILL)
        child.process = None
        self._plan(child, process.returncode)

    def _plan(self, child: _Child, status: int) -> None:
        now = time.monotonic()
        child.due_at = now
        if child.program.is_once and status == 0:
            child.is_done = True
            child.program.on_end()
        elif child.program.is_once and child.failures == ATTEMPTS_ONCE:
            child.is_done = True
            self._write(child.program.name, f"ended with status {status}; given up until next time")
        elif child.kill_at is None:
            is_steady = now - child.started_at > STEADY_SECONDS
            child.failures = 0 if is_steady else child.failures + 1
            pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** (child.failures - 1)) if child.failures else 0
            child.due_at = now + pause
            self._write(
                child.program.name, f"ended with status {status}; starts again in {pause:.0f} s"
            )

    def _ask(self, child: _Child, seconds: float) -> None:
        """SIGTERM to the program itself: it ends its own children in its own order."""
        if child.process:
            child.kill_at = time.monotonic() + seconds
            with suppress(ProcessLookupError):
                child.process.terminate()

    def _kill_all(self) -> None:
        for child in self._children:
            if child.process:
                _signal_group(child.process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the process and whatever it started; its group has its own number."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
