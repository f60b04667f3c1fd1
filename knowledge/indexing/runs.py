"""A build at work: whose turn it is, how far it is, and when it is to pause for others."""

from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from django.utils import timezone

from knowledge.indexing.leases import BuildLease, Heartbeat
from knowledge.models import IndexBuild

SPLITTING, WRITING, JUDGING = "splitting and embedding", "writing", "judging"
_EVERY_SECONDS = 1.0  # between two notes of progress
_SURE_AFTER = 0.02  # share of the work; an estimate from less only jumps about


@dataclass
class Run:
    """One worker's work on one build."""

    build: IndexBuild
    lease: BuildLease
    heartbeat: Heartbeat
    until: float | None = None  # monotonic seconds after which it pauses where it can
    _noted_at: float = field(default=0.0, init=False)

    def is_over(self) -> bool:
        """Whether the next one in the queue should have a turn."""
        return self.until is not None and monotonic() > self.until

    def keep(self) -> None:
        """Within a transaction: go on only while it is our turn; raises LeaseLost."""
        self.heartbeat.check()
        self.lease.write()

    def begin(self, step: str, done: int, total: int) -> None:
        """Note the step that begins, or goes on after a pause."""
        since = timezone.now().isoformat()
        self._note({"step": step, "done": done, "from": done, "total": total, "since": since})

    def advance(self, done: int) -> None:
        """Note how far the step is, at most once a second."""
        self.heartbeat.check()
        if monotonic() - self._noted_at > _EVERY_SECONDS:
            self.pause(done)

    def pause(self, done: int) -> None:
        """Note how far the step is now."""
        self._note({**self.build.progress, "done": done})

    def _note(self, progress: dict[str, Any]) -> None:
        self._noted_at = monotonic()
        self.build.progress = progress
        IndexBuild.objects.filter(pk=self.build.pk).update(progress=progress)


def percent_of(build: IndexBuild) -> int | None:
    """How far the step at hand is; None where nothing is known or nothing is being done."""
    if build.state != IndexBuild.State.BUILDING or not build.progress:
        return None
    done, total = int(build.progress["done"]), int(build.progress["total"])
    return min(100, 100 * done // total) if total else 100


def seconds_left(build: IndexBuild, now: datetime | None = None) -> int | None:
    """What is left of the step at hand, at its pace so far; None where that says nothing yet."""
    if percent_of(build) is None:
        return None
    done, began, total = (int(build.progress[name]) for name in ("done", "from", "total"))
    if not total or done - began < _SURE_AFTER * total:
        return None
    since = datetime.fromisoformat(build.progress["since"])
    spent = ((now or timezone.now()) - since).total_seconds()
    return max(0, round(spent * (total - done) / (done - began)))
