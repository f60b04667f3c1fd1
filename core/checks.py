"""System checks of the shared parts, and the refusal of worker pools that fork.

Imported by ``core.apps`` when Django is ready, which the worker reaches as well.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celery import signals
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from core.throttles import parse_rates

EX_CONFIG = 78
MOUNTS = Path("/proc/mounts")
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs"})
SAFE_POOLS = ("celery.concurrency.thread", "celery.concurrency.solo")
_RATE_NAMES = {"chat_anonymous": "CHAT_RATE_ANONYMOUS", "chat_user": "CHAT_RATE_USER"}


@register
def rates_can_be_read(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Each limit is ``count/period`` parts."""
    found: list[CheckMessage] = []
    for name, text in settings.RATES.items():
        try:
            parse_rates(text)
        except ValueError:
            found.append(
                Error(
                    f"{_RATE_NAMES.get(name, name)} is not a rate.",
                    hint="Write count/period, with the period s, min, hour or day: 10/min,50/day",
                    id="core.E001",
                )
            )
    return found


@register
def named_callables_exist(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """What the settings name by a dotted path can be imported."""
    paths = [
        *settings.WARM_UP,
        *settings.WIND_DOWN,
        *settings.DOCUMENT_FORGOTTEN_HOOKS,
        *settings.EXPORT_SECTIONS,
        *settings.HEALTH_PARTS.values(),
        *settings.INDEX_NOTICES,
        settings.INDEX_GATE_LOSSES,
    ]
    found: list[CheckMessage] = []
    for path in paths:
        try:
            import_string(path)
        except ImportError as error:
            found.append(Error(f"{path} cannot be imported: {error}", id="core.E002"))
    return found


@register
def data_is_on_a_local_disk(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """SQLite's log needs shared memory, which network file systems do not give."""
    folder = settings.DATA_DIR
    if not os.access(folder, os.W_OK):
        return [Error("DATA_DIR cannot be written by this user.", id="core.E003")]
    if settings.USES_SQLITE and file_system_of(folder, _mounts()) in NETWORK_FILE_SYSTEMS:
        return [
            Error(
                "DATA_DIR lies on a network file system, where SQLite loses data.",
                hint="Use a local disk, or PostgreSQL by DATABASE_URL.",
                id="core.E004",
            )
        ]
    return []


@register
def debug_stays_at_home(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Debug pages show settings and code."""
    if settings.DEBUG and settings.HOST not in {"127.0.0.1", "localhost", "::1"}:
        return [CheckWarning("DEBUG is on and HOST lets other machines in.", id="core.W001")]
    return []


def _mounts() -> str:
    return MOUNTS.read_text(encoding="utf-8") if MOUNTS.exists() else ""


def file_system_of(folder: Path, mounts: str) -> str:
    """The type of the file system that a folder lies on, from the text of ``/proc/mounts``."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, point, name, *_ = line.split(" ")
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, name
    return kind


@signals.worker_init.connect
def refuse_pools_that_fork(sender: Any = None, **options: Any) -> None:
    """A forked child of a process that has used FAISS hangs for ever in OpenMP."""
    pool = sender.pool_cls
    name = pool if isinstance(pool, str) else pool.__module__
    if not is_safe_pool(name):
        raise SystemExit(
            "Footnote's worker runs in threads: start it without -P, or with -P threads or solo."
        )


def is_safe_pool(name: str, safe: Sequence[str] = SAFE_POOLS) -> bool:
    """Whether a pool, by its alias or module, keeps to one process."""
    return name in {"threads", "solo"} or name.startswith(tuple(safe))
