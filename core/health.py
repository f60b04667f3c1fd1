"""How the installation is: one word a part, and one for the whole.

A part is a callable without arguments named in ``settings.HEALTH_PARTS``. It returns its state,
``ok``, ``degraded`` or ``failed``, and a detail for staff. Only what no answer can do without may
say ``failed``; the whole then answers 503.
"""

import os
import shutil
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from core.models import PeriodicRun

State = Literal["ok", "degraded", "failed"]
Part = tuple[State, Any]

CACHED_SECONDS = 2.0  # else whoever asks often enough makes the database answer as often
SILENT_AFTER = timedelta(minutes=3)  # the sweep comes every minute
GIBIBYTE = 1024**3
LOW_BYTES = GIBIBYTE
LOW_SHARE = 0.05
_HEARTBEAT: dict[str, Any] = {"name": "heartbeat", "window": "worker"}


@dataclass(frozen=True)
class Report:
    """The state of the whole and of each part, and when it was taken (monotonic seconds)."""

    status: State
    parts: dict[str, dict[str, Any]]
    taken_at: float


class _Cache:
    """The last report of this process; one thread at a time makes a new one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.report: Report | None = None


_cache = _Cache()


def report() -> Report:
    """The report, at most two seconds old."""
    with _cache.lock:
        last = _cache.report
        if last is None or time.monotonic() - last.taken_at > CACHED_SECONDS:
            last = _cache.report = _take()
        return last


def forget_report() -> None:
    """Drop the cached report (tests, and after a repair)."""
    with _cache.lock:
        _cache.report = None


def _take() -> Report:
    parts: dict[str, dict[str, Any]] = {}
    for name, path in settings.HEALTH_PARTS.items():
        state, detail = import_string(path)()
        parts[name] = {"status": state, "detail": detail}
        if name == "database" and state == "failed":
            break  # the other parts would ask it too
    states = {part["status"] for part in parts.values()}
    whole: State = "failed" if "failed" in states else "degraded" if "degraded" in states else "ok"
    return Report(whole, parts, time.monotonic())


def database() -> Part:
    """Whether a row can be read, and on which engine."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
            cursor.fetchone()
    except DatabaseError as error:
        return "failed", type(error).__name__
    return "ok", connection.vendor


def broker() -> Part:
    """A dead broker delays work until the sweep finds it, and stops nothing."""
    if settings.USES_FILE_BROKER:
        folder = settings.BROKER_DIR
        writable = os.access(folder if folder.is_dir() else folder.parent, os.W_OK)
        return ("ok", "files") if writable else ("degraded", "the folder cannot be written")
    try:
        with current_app.connection_for_write(connect_timeout=1) as link:
            link.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    except (OperationalError, OSError) as error:
        return "degraded", type(error).__name__
    return "ok", link.transport_cls


def beat_heart() -> None:
    """Called by the sweep, which only runs where beat, the broker and a worker all do."""
    now = timezone.now()
    PeriodicRun.objects.update_or_create(
        defaults={"started_at": now, "finished_at": now, "lease_until": now}, **_HEARTBEAT
    )


def worker() -> Part:
    """When the sweep was last here."""
    try:
        run = PeriodicRun.objects.filter(**_HEARTBEAT).first()
    except DatabaseError as error:
        return "degraded", type(error).__name__
    if run is None:
        return "degraded", "no sweep yet"
    silent = timezone.now() - run.started_at
    seconds = max(0, round(silent.total_seconds()))
    return ("degraded" if silent > SILENT_AFTER else "ok"), f"last sweep {seconds} s ago"


def disk() -> Part:
    """Free space where the data lies; SQLite cannot even delete on a full disk."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    detail = {"free_bytes": usage.free, "total_bytes": usage.total}
    low = usage.free < LOW_BYTES or usage.free < LOW_SHARE * usage.total
    return ("degraded" if low else "ok"), detail
