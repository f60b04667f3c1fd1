"""A private installation for one public set, and the process that works in it."""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from evaluation.files.values import BadFile
from knowledge import conf

LINES, FACTS = "lines.jsonl", "facts.json"
# Settings that decide what is measured; everything else is the private installation's own.
_TAKEN_OVER = (
    *("EMBEDDING_PROVIDER", "EMBEDDING_MODEL", "EMBEDDING_BASE_URL", "EMBEDDING_API_KEY"),
    *("EMBEDDING_RUNTIME", "EMBEDDING_QUERY_PREFIX", "EMBEDDING_PASSAGE_PREFIX"),
    *("EMBEDDING_DEVICE", "CHUNK_TOKENS", "CHUNK_OVERLAP_TOKENS", "TOP_K"),
    *("RERANKER_MODEL", "QUERY_EXPANSION", "REFUSED_ANSWERABLE"),
)
_SOURCES = ("ingestion", "indexing", "retrieval/backends", "migrations")
_COMPLETE = "complete"


class SetFailed(Exception):
    """The process of a set ended badly; it has said why itself."""


class FolderInUse(Exception):
    """Another evaluation works in the same folder."""


@dataclass(frozen=True)
class Order:
    """What a set's process is to do, as JSON on its way there."""

    set_folder: str
    name: str
    out: str  # folder for lines and facts
    vectors: str  # folder of vectors that are kept
    methods: tuple[str, ...]
    limit: int | None = None
    across: bool = False


@dataclass(frozen=True)
class Measured:
    """A set's lines, and facts such as the number of chunks and the seconds it took."""

    lines: list[dict[str, Any]]
    facts: dict[str, Any]


def measure_set(order: Order, kept: Path) -> Measured:
    """Load, index and ask a set in a process of its own.

    Args:
        order: the set and how it is asked.
        kept: where installations lie; one of the same set and configuration is used again.

    Raises:
        BadFile: the folder is not there or has no documents.
        FolderInUse: another process is at it.
        SetFailed: the set's process ended badly.
    """
    data = kept / f"{order.name}-{_key(Path(order.set_folder))}"
    out = Path(order.out)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    _share_models(data, kept)
    with _alone(data):
        command = [sys.executable, "manage.py", "evaluate", "--inside", json.dumps(asdict(order))]
        ended = subprocess.run(  # noqa: S603 - our own interpreter and command, no shell
            command, cwd=settings.BASE_DIR, env=_environment(data), check=False
        )
    if ended.returncode:
        raise SetFailed(f"{order.name}: the process of this set ended with {ended.returncode}.")
    return read_back(out)


def _share_models(data: Path, kept: Path) -> None:
    """A prepared model takes 90 MB and some seconds: once for all sets."""
    (kept / "models").mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (data / "models").symlink_to(kept / "models", target_is_directory=True)


def read_back(out: Path) -> Measured:
    """What a set's process wrote."""
    with (out / LINES).open(encoding="utf-8") as lines:
        return Measured(
            [json.loads(line) for line in lines],
            json.loads((out / FACTS).read_text(encoding="utf-8")),
        )


def is_complete(data: Path) -> bool:
    """Whether everything was loaded and indexed in this folder before."""
    return (data / _COMPLETE).is_file()


def mark_complete(data: Path) -> None:
    (data / _COMPLETE).touch()


def _key(folder: Path) -> str:
    """The same for the same documents, settings and code of ingestion and index."""
    told = hashlib.sha256()
    documents = sorted(folder.glob("documents.jsonl*"))
    if not documents:
        raise BadFile(f"There is no documents.jsonl or documents.jsonl.gz in {folder}.")
    told.update(documents[0].read_bytes())
    told.update(conf.fingerprint().encode())
    told.update(conf.splitter_config().identity.encode())
    told.update(settings.EMBEDDING_PASSAGE_PREFIX.encode())
    for source in _SOURCES:
        for path in sorted((settings.BASE_DIR / "knowledge" / source).rglob("*.py")):
            told.update(path.read_bytes())
    return told.hexdigest()[:12]


def _environment(data: Path) -> dict[str, str]:
    """The settings of now where they decide what is measured, and nothing of the rest."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    taken = {name: str(getattr(settings, name)) for name in _TAKEN_OVER}
    return {
        **kept,
        **taken,
        "READER": "on" if settings.READER else "off",
        "ENV_FILE": "",
        "SECRET_KEY": secrets.token_hex(32),
        "DATA_DIR": str(data),
        "CELERY_BROKER_URL": "memory://localhost/",
        "LOG_LEVEL": "WARNING",
        "QUERY_EMBEDDING_TIMEOUT_MS": "60000",  # a busy machine must not change a figure
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    with (data / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(f"Another evaluation works in {data}.") from error
        yield


def names_of(folders: Sequence[Path]) -> list[str]:
    """A name for each folder, and no name twice."""
    names: list[str] = []
    for folder in folders:
        name = folder.resolve().name
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names
