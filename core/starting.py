"""What must hold before the first process starts: one `up` a folder, a sound database, an admin."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from core import broker
from core.models import PeriodicRun

Say = Callable[[str], None]  # writes one line for whoever started the product
FIRST_DOCUMENTS = {"name": "first_documents", "window": "once"}
WAITING_STATES = ("queued", "processing", "embedded")


class AlreadyRuns(Exception):
    """Another `up` has this data folder."""


@contextmanager
def sole_use(folder: Path, role: str) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when the process ends, however it ends.

    Args:
        folder: ``DATA_DIR``.
        role: what runs; different roles may share a folder (containers of one installation).

    Raises:
        AlreadyRuns: it is held; the message names the process.
    """
    path = folder / f"up-{role}.lock"
    with path.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRuns(
                f"Footnote runs on {folder} already (process {lock.read().strip()}). "
                "Stop it first, or set DATA_DIR to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def pending_migrations() -> int:
    """How many steps the database is behind."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def prepare(say: Say) -> None:
    """Bring the database up to date, make the first account and the model, forget old bindings."""
    steps = pending_migrations()
    if steps:
        say(f"Preparing the database ({steps} steps)")
        call_command("migrate", interactive=False, verbosity=0)
    if "ensure_admin" in get_commands():
        call_command("ensure_admin")
    if "prepare_model" in get_commands():
        call_command("prepare_model", quick=True, stdout=_Lines(say))
    if settings.USES_FILE_BROKER:
        broker.forget_bindings(settings.BROKER_DIR)


class _Lines:
    """What a command writes, said line by line as it comes."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def write(self, text: str) -> None:
        for line in filter(str.strip, text.splitlines()):
            self._say(line)


def wants_first_documents() -> bool:
    """Whether the manual was never loaded to its end; whoever deletes it later is not overruled."""
    return (
        "load_docs" in get_commands() and not PeriodicRun.objects.filter(**FIRST_DOCUMENTS).exists()
    )


def note_first_documents() -> None:
    """Remember that the manual was loaded."""
    now = timezone.now()
    PeriodicRun.objects.get_or_create(
        **FIRST_DOCUMENTS, defaults={"finished_at": now, "lease_until": now}
    )


def load_first_documents(say: Say) -> None:
    """Load the manual in this process; the worker indexes it when it runs."""
    if wants_first_documents():
        say("Loading docs/ as the first documents")
        call_command("load_docs", str(settings.BASE_DIR / "docs"))
        note_first_documents()


def document_progress() -> tuple[int, int]:
    """How many uploads are searchable or given up, and how many there are."""
    versions = apps.get_model("knowledge", "DocumentVersion").objects
    total = versions.count()
    return total - versions.filter(state__in=WAITING_STATES).count(), total
