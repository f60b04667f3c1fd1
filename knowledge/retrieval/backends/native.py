"""FAISS where this machine can run it.

Its wheel holds machine code for newer processors. On an older one that code kills the process, so
a process of its own tries it first, once for a machine and a version. Where that one dies, or
FAISS is not installed, NumPy reads the same files.
"""

import hashlib
import importlib
import importlib.metadata
import logging
import os
import platform
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

_SECONDS = 60  # a busy machine imports FAISS in ten
_PROOF = """
import faiss, numpy
vectors = numpy.random.default_rng(0).standard_normal((64, 8)).astype("float32")
for kind in ("Flat", "IVF1,PQ2x4fs"):
    index = faiss.index_factory(8, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    index.search(vectors[:2], 3)
"""


@cache
def faiss() -> Any:
    """The module, or None where it is missing or would kill this process."""
    if not _can_run():
        logger.error("FAISS does not run on this processor: NumPy searches instead, more slowly")
        return None
    try:
        return importlib.import_module("faiss")
    except ImportError:
        return None


def engine_name() -> str:
    """What searches vectors here: faiss or numpy."""
    return "numpy" if faiss() is None else "faiss"


def _can_run() -> bool:
    """Whether a process that uses FAISS survives; what was found out is kept for this machine."""
    marker = _marker()
    if marker is None:
        return False
    if (known := _read(marker)) is not None:
        return known
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-c", _PROOF],
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return True  # nothing was found out
    survived = not was_killed(ended.returncode)
    _write(marker, survived)
    return survived


def was_killed(status: int) -> bool:
    """Whether a process ended by a signal, or by Windows's word for an illegal instruction."""
    return status < 0 or status == 0xC000001D


def _marker() -> Path | None:
    """Where the finding is kept: by version and processor, among this account's own files."""
    try:
        version = importlib.metadata.version("faiss-cpu")
    except importlib.metadata.PackageNotFoundError:
        try:
            version = importlib.metadata.version("faiss")
        except importlib.metadata.PackageNotFoundError:
            return None
    facts = f"{version}\n{platform.node()}\n{platform.machine()}\n{_processor()}"
    name = hashlib.blake2b(facts.encode(), digest_size=8).hexdigest()
    account = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir()) / f"footnote-faiss-{account}-{name}"


def _processor() -> str:
    """What the processor can do, as far as the system says."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _read(marker: Path) -> bool | None:
    """What an earlier process of this account wrote down."""
    try:
        if hasattr(os, "getuid") and marker.lstat().st_uid != os.getuid():
            return None
        return {"runs": True, "dies": False}.get(marker.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _write(marker: Path, survived: bool) -> None:  # noqa: FBT001
    temporary = marker.with_name(f"{marker.name}.{os.getpid()}")
    try:
        temporary.write_text("runs" if survived else "dies", encoding="ascii")
        temporary.replace(marker)
    except OSError:
        logger.info("what was found out about FAISS cannot be kept; it is tried again next time")
