"""Readiness: what fails, what is merely degraded, and who may see the parts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from core import health
from core.models import PeriodicRun

pytestmark = pytest.mark.django_db
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


def fine() -> health.Part:
    return "ok", "as it should be"


def slow() -> health.Part:
    return "degraded", "slow"


def gone() -> health.Part:
    return "failed", "gone"


def never() -> health.Part:
    raise AssertionError("must not be asked")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    health.forget_report()
    yield
    health.forget_report()


def use(settings: Any, **parts: str) -> None:
    settings.HEALTH_PARTS = {name: f"{__name__}.{kind}" for name, kind in parts.items()}


def test_alive_without_a_redirect_and_without_the_database(client: Client) -> None:
    for path in ("/health/", "/health"):
        response = client.get(path, HTTP_HOST="10.1.2.3")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("parts", "status", "word"),
    [
        ({"database": "fine", "index": "fine"}, 200, "ok"),
        ({"database": "fine", "broker": "slow"}, 200, "degraded"),
        ({"database": "fine", "broker": "slow", "index": "gone"}, 503, "failed"),
    ],
)
def test_the_worst_part_is_the_word_for_the_whole(
    client: Client, settings: Any, parts: dict[str, str], status: int, word: str
) -> None:
    use(settings, **parts)
    response = client.get("/health/ready/")
    assert response.status_code == status
    assert response.json()["status"] == word


def test_without_a_database_no_other_part_is_asked(client: Client, settings: Any) -> None:
    use(settings, database="gone", worker="never")
    assert client.get("/health/ready/").status_code == 503


def test_the_report_is_made_once_in_two_seconds(settings: Any) -> None:
    use(settings, database="fine")
    first = health.report()
    use(settings, database="gone")
    assert health.report() is first
    health.forget_report()
    assert health.report().status == "failed"


def test_parts_are_for_staff_and_for_this_machine(client: Client, bob: Any, charlie: Any) -> None:
    assert "parts" in client.get("/health/ready/").json()
    assert "parts" not in client.get("/health/ready/", **ELSEWHERE).json()
    client.force_login(charlie)
    assert "parts" not in client.get("/health/ready/", **ELSEWHERE).json()
    client.force_login(bob)
    assert "parts" in client.get("/health/ready/", **ELSEWHERE).json()


def test_a_proxy_on_this_machine_does_not_make_its_callers_local(
    client: Client, settings: Any
) -> None:
    forwarded = {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    assert "parts" not in client.get("/health/ready/", **forwarded).json()
    settings.TRUSTED_PROXY_COUNT = 1
    assert "parts" not in client.get("/health/ready/", **forwarded).json()
    spoofed = {"HTTP_X_FORWARDED_FOR": "127.0.0.1, 203.0.113.9"}
    assert "parts" not in client.get("/health/ready/", **spoofed).json()


@pytest.mark.engine
def test_the_database_answers() -> None:
    assert health.database()[0] == "ok"


class Broken:
    """A connection whose server is gone."""

    vendor = "postgresql"

    def cursor(self) -> Any:
        raise DatabaseError("no server, and here is its address")


def test_a_dead_database_is_failed_and_keeps_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "connection", Broken())
    assert health.database() == ("failed", "DatabaseError")


@pytest.mark.engine
def test_the_worker_is_degraded_until_a_sweep_and_when_sweeps_stop() -> None:
    assert health.worker()[0] == "degraded"
    health.beat_heart()
    health.beat_heart()
    assert health.worker()[0] == "ok"
    PeriodicRun.objects.update(started_at=timezone.now() - timedelta(minutes=4))
    assert health.worker()[0] == "degraded"


def test_a_dead_redis_is_degraded_and_not_waited_for(settings: Any) -> None:
    settings.USES_FILE_BROKER = False
    assert health.broker()[0] in {"ok", "degraded"}


def test_the_folder_of_the_file_broker_is_looked_at(settings: Any, tmp_path: Any) -> None:
    settings.USES_FILE_BROKER = True
    settings.BROKER_DIR = tmp_path / "broker"
    assert health.broker() == ("ok", "files")


def test_a_full_disk_is_degraded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.disk()[1]["free_bytes"] > 0
    monkeypatch.setattr(health, "LOW_SHARE", 1.1)
    assert health.disk()[0] == "degraded"
