"""The sandbox's child: ``python -m knowledge.ingestion.child FILE MEDIA_TYPE RESULT LIMITS``.

Its first act is to limit itself. It prints progress as lines of "percent pages_done pages", writes
the result as JSON to a file of its own folder, and exits 0; whatever else happens is for the parent
to explain.
"""

import contextlib
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from knowledge.ingestion.hidden import hidden_in
from knowledge.ingestion.loaders import loader_for
from knowledge.ingestion.types import (
    IngestionError,
    LimitExceeded,
    Limits,
    UnreadableFile,
    UnsupportedFile,
)

if sys.platform != "win32":  # Windows has no such limits: there the parent's watchdog remains
    import resource

_OPEN_FILES = 64
_NICE = 5
_SPARE_SECONDS = 5  # after the parent's own clock, should the parent be gone
_RECURSION = 5000  # nested HTML, several frames a level; the stack holds it
TOO_MUCH_MEMORY = "Reading the file takes more memory than one document may use."


def main(arguments: list[str]) -> int:
    """Read one file and write the result; the exit status is 0 once a result is written."""
    path, media_type, result, packed = arguments
    limits = Limits(**json.loads(packed))
    limit_oneself(limits)
    sys.setrecursionlimit(_RECURSION)
    answer = _answer(Path(path), media_type, limits)
    Path(result).write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    return 0


def limit_oneself(limits: Limits) -> None:
    """Set the limits of this process; what a system refuses, the parent's watchdog covers."""
    if sys.platform == "win32":
        return
    signal.alarm(int(limits.wall_seconds) + _SPARE_SECONDS)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, limits.result_bytes)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds)
    _limit(resource.RLIMIT_AS, limits.memory_bytes)


def _limit(kind: int, value: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ValueError, OSError):  # macOS refuses RLIMIT_AS
            # The hard limit ends a process by SIGKILL, which does not say why: leave the soft one
            # time to end it by a signal of its own.
            spare = _SPARE_SECONDS if kind == resource.RLIMIT_CPU else 0
            resource.setrlimit(kind, (value, value + spare))


def _answer(path: Path, media_type: str, limits: Limits) -> dict[str, Any]:
    try:
        extracted = loader_for(media_type).load(path, limits, report)
        extracted = dataclasses.replace(extracted, hides=hidden_in(path, media_type))
    except IngestionError as error:
        return _refusal(error)
    except MemoryError:
        return _refusal(LimitExceeded(TOO_MUCH_MEMORY))
    return {"extracted": dataclasses.asdict(extracted)}


def _refusal(error: IngestionError) -> dict[str, Any]:
    kinds = (LimitExceeded, UnsupportedFile, UnreadableFile)
    kind = next((kind for kind in kinds if isinstance(error, kind)), UnreadableFile)
    return {"error": kind.__name__, "sentence": error.sentence}


def report(percent: int, pages_done: int = 0, pages: int = 0) -> None:
    """Tell the parent how far we are. A parent that is gone ends us with a broken pipe."""
    sys.stdout.write(f"{percent} {pages_done} {pages}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
