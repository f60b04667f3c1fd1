"""How a folder is looked at, and what came of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_SHOWN = 200  # files that are named; the rest is counted


@dataclass
class Report:
    """What a look at a folder did, or would do."""

    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    waiting: int = 0  # still being written: taken at the next look
    left_out: int = 0  # of types that are not taken
    failed: dict[str, str] = field(default_factory=dict)  # sentences by path
    error: str = ""  # why nothing was removed, or nothing done at all
    versions: list[int] = field(default_factory=list)  # that wait for a worker

    def as_dict(self) -> dict[str, Any]:
        """The shape of ``WatchedFolder.result``."""
        names = ("added", "updated", "moved", "removed", "unchanged", "waiting", "left_out")
        failed = [{"path": path, "detail": why} for path, why in sorted(self.failed.items())]
        return {
            **{name: getattr(self, name) for name in names},
            "failed": failed[:_SHOWN],
            "failed_count": len(failed),
            "error": self.error,
        }


@dataclass(frozen=True)
class Manner:
    """How a folder is looked at. ``sleep`` is how a file that is young is waited for."""

    is_dry: bool = False
    may_remove_many: bool = False
    sleep: Callable[[float], None] = time.sleep
