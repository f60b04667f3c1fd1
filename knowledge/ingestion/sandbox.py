"""Extraction in a child process with limits, so that a hostile file harms nothing but itself.

The child limits itself (memory, CPU, file size); this side watches its memory and the clock and
kills its whole process group. The result comes back as JSON in a file, never as a pickle.
"""

import contextlib
import dataclasses
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from knowledge.ingestion.types import (
    Extracted,
    ExtractionStopped,
    Heading,
    IngestionError,
    LimitExceeded,
    Limits,
    PageKind,
    PageReport,
    Progress,
    SourceFile,
    UnreadableFile,
    UnsupportedFile,
)

logger = logging.getLogger(__name__)

DEFAULT_LIMITS = Limits()
FOLDER_PREFIX = "footnote-read-"  # of the folders that a killed worker leaves behind
TOO_SLOW = "Reading the file takes longer than one document may."
TOO_MUCH_MEMORY = "Reading the file takes more memory than one document may use."
BROKE_THE_READER = "The file broke the reader: it is damaged, or made to do harm."
STOPPED = "Reading the file was stopped."

_LOOK_EVERY_SECONDS = 0.1
_PROGRESS = re.compile(rb"(\d{1,3}) (\d{1,7}) (\d{1,7})")  # percent, pages done, pages
_PROJECT = Path(__file__).resolve().parents[2]
_COMMAND = (sys.executable, "-m", "knowledge.ingestion.child")
_ERRORS: dict[str, type[IngestionError]] = {
    kind.__name__: kind for kind in (LimitExceeded, UnsupportedFile, UnreadableFile)
}


def extract(
    source: SourceFile,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    folder: Path | None = None,
) -> Extracted:
    """The text of a file, read in a spawned child.

    ``on_progress`` gets a Progress and ``should_stop`` is asked about ten times a second, both in
    this thread. What is read lies below ``folder`` meanwhile, the system's own temporary folder
    by default. Raises UnsupportedFile, UnreadableFile, LimitExceeded or ExtractionStopped.
    """
    arguments = (str(source.path.resolve()), source.media_type)
    watched = Watch(limits, on_progress, should_stop, folder)
    return run_child(_COMMAND, arguments, watched)


@dataclasses.dataclass(frozen=True)
class Watch:
    """What the parent holds a child to, and whom it tells."""

    limits: Limits
    on_progress: Callable[[Progress], None] | None = None
    should_stop: Callable[[], bool] | None = None
    folder: Path | None = None  # where the child's own folder is made


def run_child(command: Sequence[str], arguments: Sequence[str], watch: Watch) -> Extracted:
    """Run a child to its end in an empty folder and read the result that it wrote."""
    with tempfile.TemporaryDirectory(
        prefix=FOLDER_PREFIX, dir=watch.folder, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        result = folder / "result.json"
        packed = json.dumps(dataclasses.asdict(watch.limits))
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [*command, *arguments, str(result), packed],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait(child, watch)
        finally:
            _kill_group(child)
        return _outcome(child.returncode, result, watch.limits)


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours: no secrets, no proxies, no network settings."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(_PROJECT),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _wait(child: subprocess.Popen[bytes], watch: Watch) -> None:
    """Return when the child has ended; raise when it must be ended."""
    printed = _Printed()
    assert child.stdout is not None  # noqa: S101 - Popen was given a pipe
    reader = threading.Thread(target=printed.read, args=(child.stdout,), daemon=True)
    reader.start()
    deadline = time.monotonic() + watch.limits.wall_seconds
    told: Progress | None = None
    while child.poll() is None:
        if time.monotonic() > deadline:
            raise LimitExceeded(TOO_SLOW)
        if _resident(child.pid) > watch.limits.memory_bytes:
            raise LimitExceeded(TOO_MUCH_MEMORY)
        if watch.should_stop is not None and watch.should_stop():
            raise ExtractionStopped(STOPPED)
        if watch.on_progress is not None and printed.progress != told:
            told = printed.progress
            watch.on_progress(told)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK_EVERY_SECONDS)
    reader.join(1)


class _Printed:
    """The last progress that the child printed; what else it prints is dropped."""

    def __init__(self) -> None:
        self.progress = Progress(0)

    def read(self, pipe: IO[bytes]) -> None:
        """Until the pipe ends. A line is read only up to a length: the child is not trusted."""
        with pipe:
            while line := pipe.readline(64):
                match = _PROGRESS.fullmatch(line.strip())
                if match is not None:
                    self._take(*(int(number) for number in match.groups()))

    def _take(self, percent: int, pages_done: int, pages: int) -> None:
        """Progress never goes back, whatever the child says."""
        self.progress = Progress(
            max(min(percent, 100), self.progress.percent),
            max(min(pages_done, pages), self.progress.pages_done),
            max(pages, self.progress.pages),
        )


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it ended just now
        return 0


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started; the group's id is the child's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


def _outcome(status: int, result: Path, limits: Limits) -> Extracted:
    if status != 0:
        logger.warning("the child that read a file ended with status %s", status)
        raise _death(status)
    try:
        if result.stat().st_size > limits.result_bytes:
            raise LimitExceeded(TOO_MUCH_MEMORY)
        answer: dict[str, Any] = json.loads(result.read_bytes())
    except (OSError, ValueError) as error:
        raise UnreadableFile(BROKE_THE_READER) from error
    if "error" in answer:
        raise _ERRORS.get(answer["error"], UnreadableFile)(str(answer["sentence"]))
    return _extracted(answer["extracted"])


def _death(status: int) -> IngestionError:
    """Why a child ended that did not say so itself; negative is a signal's number."""
    slow = {-int(getattr(signal, name, 0)) for name in ("SIGXCPU", "SIGALRM")}
    if status in slow:
        return LimitExceeded(TOO_SLOW)
    if status == -int(getattr(signal, "SIGXFSZ", 0)):
        return LimitExceeded(TOO_MUCH_MEMORY)
    return UnreadableFile(BROKE_THE_READER)


def _extracted(values: dict[str, Any]) -> Extracted:
    return Extracted(
        text=values["text"],
        outline=tuple(Heading(**heading) for heading in values["outline"]),
        pages=tuple(values["pages"]),
        warnings=tuple(values["warnings"]),
        page_count=values["page_count"],
        page_report=tuple(
            PageReport(page["page"], page["characters"], PageKind(page["kind"]))
            for page in values["page_report"]
        ),
        is_complete=values["is_complete"],
        hides=tuple(values["hides"]),
    )
