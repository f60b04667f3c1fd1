"""Claims on rows: taken by one UPDATE, believed for two minutes, repeated in every later write.

Times are the database's, so that two machines agree. A worker that was paused beyond its lease
finds that its token is no longer on the row, and changes nothing.
"""

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from django.db import Error, connections
from django.db.models import F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

from knowledge.models import DocumentVersion, IndexState

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 3  # claims of one version; then it is failed, with a sentence
# `due_at` may come from the clock of another machine, and SQLite's Now() knows only milliseconds.
_SKEW = timedelta(seconds=2)

Version = DocumentVersion.State
Step = DocumentVersion.Step


class LeaseLost(Exception):
    """Another worker has the row now, or a manager cancelled: whatever is at hand is void."""


def database_now(offset: timedelta = timedelta(0)) -> Combinable:
    """The database's clock, moved by an offset."""
    return Now() + offset


def is_claimable() -> Q:
    """Versions that wait for a worker, or whose worker's lease has run out."""
    expired = Q(state=Version.PROCESSING, lease_until__lt=Now())
    return (Q(state=Version.QUEUED) | expired) & Q(due_at__lte=database_now(_SKEW))


@dataclass(frozen=True)
class VersionLease:
    """A claimed version. Every write repeats the token and raises LeaseLost if it is not ours."""

    version_id: int
    token: uuid.UUID

    def write(self, **fields: Any) -> None:
        """Change the row and renew the lease."""
        self._update(lease_until=database_now(LEASE), **fields)

    def close(self, **fields: Any) -> None:
        """Change the row and give it back."""
        self._update(lease_token=None, lease_until=None, **fields)

    def lapse(self, **fields: Any) -> None:
        """Give the row to whoever comes next, as it is: they go on with it at once."""
        self._update(lease_token=None, lease_until=database_now(-_SKEW), **fields)

    def renew(self) -> bool:
        """Whether the lease is still ours; if so it is renewed."""
        return bool(self._rows().update(lease_until=database_now(LEASE)))

    def is_ours(self) -> bool:
        return bool(self._rows().exists())

    def _rows(self) -> Any:
        return DocumentVersion.objects.filter(
            pk=self.version_id, state=Version.PROCESSING, lease_token=self.token
        )

    def _update(self, **fields: Any) -> None:
        if not self._rows().update(updated_at=timezone.now(), **fields):
            raise LeaseLost(f"version {self.version_id}")


def claim_version(version_id: int) -> VersionLease | None:
    """Claim a version that is due; None where it is not, or where another worker was quicker."""
    lease = VersionLease(version_id, uuid.uuid4())
    claimed = DocumentVersion.objects.filter(
        is_claimable(), pk=version_id, attempts__lt=MAX_ATTEMPTS
    ).update(
        state=Version.PROCESSING,
        step=Step.EXTRACTING,
        percent=0,
        error="",
        attempts=F("attempts") + 1,
        lease_token=lease.token,
        lease_until=database_now(LEASE),
        started_at=timezone.now(),
        finished_at=None,
        updated_at=timezone.now(),
    )
    return lease if claimed else None


@dataclass(frozen=True)
class BuildLease:
    """A right held on the IndexState row, on whatever machine: to publish, or to build in full.

    Both may be held at once, by two workers: an extension is published while a full build is made.
    """

    token: uuid.UUID
    is_full: bool = False

    def write(self, **fields: Any) -> None:
        """Change the row and renew the lease; raises LeaseLost."""
        self._update(lease_until=database_now(LEASE), **fields)

    def close(self, *, attempts: int | None = None, due_at: Any = None, **fields: Any) -> None:
        """Change the row and give it back; raises LeaseLost.

        Args:
            attempts: the count of this right's claims from now on.
            due_at: when this right may be claimed again.
            fields: others of the row.
        """
        own = {"attempts": attempts, "due_at": due_at}
        given = {name: value for name, value in own.items() if value is not None}
        self._update(lease_token=None, lease_until=None, **given, **fields)

    def renew(self) -> bool:
        return bool(self._rows().update(**self._own(lease_until=database_now(LEASE))))

    def _update(self, **fields: Any) -> None:
        if not self._rows().update(**self._own(**fields)):
            raise LeaseLost("index build")

    def _rows(self) -> Any:
        return IndexState.objects.filter(pk=1, **self._own(lease_token=self.token))

    def _own(self, **fields: Any) -> dict[str, Any]:
        """Fields of the row, those of the lease by the names that this right has there."""
        return {_named(name, self.is_full): value for name, value in fields.items()}


def _named(name: str, is_full: bool) -> str:  # noqa: FBT001  (which of the two)
    own = ("attempts", "due_at", "lease_token", "lease_until")
    return f"full_{name}" if is_full and name in own else name


def claim_build(*, full: bool = False, in_pause: bool = False) -> BuildLease | None:
    """Claim the right to publish, or to build in full.

    Args:
        full: which of the two.
        in_pause: also while the pause after a failure lasts.

    Returns:
        None while another worker has it, or in that pause.
    """
    IndexState.objects.get_or_create(pk=1)
    lease = BuildLease(uuid.uuid4(), full)
    until, due, attempts = (_named(name, full) for name in ("lease_until", "due_at", "attempts"))
    free = Q(**{until: None}) | Q(**{f"{until}__lt": Now()})
    is_due = Q() if in_pause else Q(**{f"{due}__lte": database_now(_SKEW)})
    claimed = IndexState.objects.filter(free, is_due, pk=1).update(
        **{
            _named("lease_token", full): lease.token,
            until: database_now(LEASE),
            attempts: F(attempts) + 1,
        }
    )
    return lease if claimed else None


class Heartbeat:
    """Renews a lease in a thread of its own while slow work goes on.

    ``lost`` is set when the lease is not ours any more. A database that cannot be reached for a
    moment is no loss: the next beat, or the next fenced write, decides.
    """

    def __init__(
        self, renew: Callable[[], bool], every_seconds: float = LEASE.total_seconds() / 3
    ) -> None:
        self.lost = threading.Event()
        self._renew = renew
        self._every_seconds = every_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Raise LeaseLost as soon as the thread knows."""
        if self.lost.is_set():
            raise LeaseLost("the lease ended")

    def _beat(self) -> None:
        while not self._done.wait(self._every_seconds):
            try:
                if not self._renew():
                    self.lost.set()
                    return
            except Error:  # the connection itself may break, which is no DatabaseError
                logger.warning("a lease could not be renewed", exc_info=True)
            finally:
                connections.close_all()
