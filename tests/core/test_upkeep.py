"""The sweep's work on the machine below, and SQLite as it must be set up."""

from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection

from core import health, schedule, upkeep

sqlite_only = pytest.mark.skipif(not configured.USES_SQLITE, reason="about SQLite")


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_the_log_of_the_database_is_cut() -> None:
    assert upkeep.checkpoint_sqlite()["busy"] == 0


@sqlite_only
@pytest.mark.django_db
def test_sqlite_waits_for_locks_and_keeps_a_log() -> None:
    with connection.cursor() as cursor:
        values = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("busy_timeout", "journal_mode", "synchronous", "secure_delete")
        }
    assert values == {
        "busy_timeout": 20_000,
        "journal_mode": "wal",
        "synchronous": 1,
        "secure_delete": 1,
    }
    assert connection.transaction_mode == "IMMEDIATE"


@pytest.mark.engine
@pytest.mark.django_db(transaction=True)
def test_a_sweep_shows_that_the_worker_lives_and_reports_counts(
    settings: Any, tmp_path: Any
) -> None:
    settings.BROKER_DIR = tmp_path / "broker"
    assert set(schedule.sweep()) >= {"sent", "windows", "runs", "mails", "broker_files"}
    assert health.worker()[0] == "ok"
