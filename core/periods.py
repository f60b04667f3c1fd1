"""One run per window: the database says what is due, beat only ticks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from core.models import PeriodicRun

LEASE = timedelta(minutes=30)
TURN = timedelta(minutes=2)  # of a job that renews it while it works
_ANY_TIME = "any"  # the window of a job that is not bound to a date


def run_daily(
    name: str, at: time, work: Callable[[], dict[str, int]], *, now: datetime | None = None
) -> dict[str, int] | None:
    """Do ``work`` once per local date, at or after a local time of day.

    A machine that was off at that time does the work when it is back, on the same local date.
    A run that died is taken up again when its lease of 30 minutes has ended.

    Args:
        name: the job.
        at: local time of day in ``TIME_ZONE``; a time that a clock change skips counts as passed.
        work: does the job and returns counts; it must be safe to run twice.
        now: the time, for tests.

    Returns:
        The counts, or None where nothing was due or another process has the window.
    """
    now = now or timezone.now()
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    if local.time() < at:
        return None
    run = _claim(name, local.date().isoformat(), now)
    if run is None:
        return None
    report = work()
    PeriodicRun.objects.filter(pk=run.pk, lease_until=run.lease_until).update(
        finished_at=timezone.now(), report=report
    )
    return report


def _claim(name: str, window: str, now: datetime) -> PeriodicRun | None:
    """The window's run if this process may do it. It is looked for first: an insert that fails
    every minute would fill PostgreSQL's log.
    """
    until = now + LEASE
    run = PeriodicRun.objects.filter(name=name, window=window).first()
    if run is None:
        return _open(name, window, now, until)
    if run.finished_at or run.lease_until >= now:
        return None
    dead = PeriodicRun.objects.filter(pk=run.pk, finished_at=None, lease_until=run.lease_until)
    if not dead.update(lease_until=until, started_at=now):
        return None
    run.lease_until, run.started_at = until, now
    return run


def _open(name: str, window: str, now: datetime, until: datetime) -> PeriodicRun | None:
    try:
        with transaction.atomic():
            return PeriodicRun.objects.create(
                name=name, window=window, started_at=now, lease_until=until
            )
    except IntegrityError:  # another process was quicker
        return None


@dataclass(frozen=True)
class Turn:
    """The right to do a job now, for two minutes at a time; whoever works on renews it."""

    name: str
    started_at: datetime

    def renew(self) -> bool:
        """Whether the turn is still ours; if so it is prolonged."""
        return bool(self._ours().update(lease_until=timezone.now() + TURN))

    def end(self, report: dict[str, int]) -> None:
        """Give the turn back; nothing where another process has it by now."""
        self._ours().update(finished_at=timezone.now(), report=report)

    def _ours(self) -> QuerySet[PeriodicRun]:
        return PeriodicRun.objects.filter(
            name=self.name, window=_ANY_TIME, started_at=self.started_at, finished_at=None
        )


def take_turn(name: str) -> Turn | None:
    """Claim a job that one process at a time may do; None while another one is at it.

    A turn whose process died is free again after two minutes. Not safe against a process that
    sleeps longer than that and does not renew: repeat ``renew`` before each write that matters.
    """
    now = timezone.now()
    free = PeriodicRun.objects.filter(
        Q(lease_until__lt=now) | ~Q(finished_at=None), name=name, window=_ANY_TIME
    )
    if free.update(started_at=now, finished_at=None, lease_until=now + TURN):
        return Turn(name, now)
    if PeriodicRun.objects.filter(name=name, window=_ANY_TIME).exists():
        return None
    return Turn(name, now) if _open(name, _ANY_TIME, now, now + TURN) else None
