"""One run a window, whoever asks and however often."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.models import PeriodicRun
from core.periods import LEASE, TURN, run_daily, take_turn

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
AT = time(3, 0)
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def work() -> dict[str, int]:
    return {"done": 1}


def run(now: datetime = NOON, do: Any = work) -> dict[str, int] | None:
    return run_daily("job", AT, do, now=now)


def test_a_day_has_one_run_and_the_next_day_another() -> None:
    assert run(NOON.replace(hour=2)) is None
    assert run() == {"done": 1}
    assert run(NOON + timedelta(hours=1)) is None
    assert run(NOON + timedelta(days=1)) == {"done": 1}


def test_a_window_that_exists_costs_one_look_and_no_failing_insert() -> None:
    run()
    with CaptureQueriesContext(
        connection,
    ) as seen:
        run()
    assert [query["sql"].split()[0] for query in seen.captured_queries] == ["SELECT"]


def test_a_run_that_died_is_taken_up_again_after_its_lease() -> None:
    def die() -> dict[str, int]:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        run(do=die)
    assert run(NOON + LEASE - timedelta(minutes=1)) is None
    assert run(NOON + LEASE + timedelta(minutes=1)) == {"done": 1}
    row = PeriodicRun.objects.get()
    assert row.report == {"done": 1}
    assert row.finished_at is not None


def test_a_turn_is_one_processs_at_a_time_and_free_again_when_it_ends() -> None:
    turn = take_turn("sync")
    assert turn is not None
    assert take_turn("sync") is None
    assert take_turn("another job") is not None
    assert turn.renew()
    turn.end({"done": 1})
    assert not turn.renew()
    assert take_turn("sync") is not None


def test_a_turn_of_a_dead_process_is_taken_over_and_it_changes_nothing_any_more() -> None:
    dead = take_turn("sync")
    assert dead is not None
    past = timezone.now() - TURN
    PeriodicRun.objects.filter(name="sync").update(lease_until=past)
    taken = take_turn("sync")
    assert taken is not None
    assert not dead.renew()
    dead.end({"done": 9})
    assert taken.renew()
    assert PeriodicRun.objects.get(name="sync").report == {}
