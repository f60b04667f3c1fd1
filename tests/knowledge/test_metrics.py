"""Figures for a monitoring system: what they say, and who may read them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from core import health, metrics
from knowledge import indexing
from knowledge.indexing import drift
from knowledge.models import Chunk

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    metrics.forget()
    health.forget_report()
    yield
    metrics.forget()
    health.forget_report()


def read(client: Client) -> dict[tuple[str, str], float]:
    """Each figure by its name and its one label."""
    metrics.forget()
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_an_empty_installation_has_figures_too(client: Client) -> None:
    found = read(client)
    assert found["footnote_up", ""] == 1
    assert found["footnote_documents", ""] == 0
    assert found["footnote_index_build", ""] == 0
    assert ("footnote_index_drift_chunks", "missing") not in found


def test_documents_and_the_index_are_counted(client: Client, add_text: Any) -> None:
    add_text("Leave", "Everybody has thirty days of leave.")
    add_text("Cellar", "The cellar is locked at night.")
    found = read(client)
    assert found["footnote_documents", ""] == 2
    assert found["footnote_versions", "ready"] == 2
    assert found["footnote_index_vectors", ""] == found["footnote_chunks", ""] == 2
    assert found["footnote_index_build", ""] > 0
    assert found["footnote_health", "database"] == 0


def test_drift_is_a_figure_and_a_repair_brings_it_back_to_zero(
    client: Client, add_text: Any
) -> None:
    add_text("Leave", "Everybody has thirty days of leave.")
    call_command("check_index")
    assert read(client)["footnote_index_drift_chunks", "orphaned"] == 0
    Chunk.objects.all().delete()
    with pytest.raises(SystemExit):
        call_command("check_index")
    assert read(client)["footnote_index_drift_chunks", "orphaned"] == 1
    drift.measure_now(repairs=True)
    found = read(client)
    assert found["footnote_index_drift_chunks", "orphaned"] == 0
    assert found["footnote_index_drift_timestamp_seconds", ""] > 0


def test_the_night_counts_until_somebody_asks_later(add_text: Any, settings: Any) -> None:
    add_text("Leave", "Everybody has thirty days of leave.")
    indexing.build_index()
    drift.measure_now()
    first = drift.last_measured()
    drift.measure_now()
    assert first is not None
    assert drift.last_measured()["at"] > first["at"]


def test_strangers_do_not_learn_that_it_is_there(client: Client, settings: Any) -> None:
    assert client.get("/metrics", **ELSEWHERE).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    settings.METRICS_TOKEN = "let-me-see"
    for sent in ("", "Bearer", "Bearer wrong", "Basic let-me-see", "let-me-see"):
        answer = client.get("/metrics", headers={"Authorization": sent}, **ELSEWHERE)
        assert answer.status_code == 404
    sent = {"Authorization": "Bearer let-me-see"}
    assert client.get("/metrics", headers=sent, **ELSEWHERE).status_code == 200
    assert client.post("/metrics", headers=sent).status_code == 405


def broken() -> Iterator[Any]:
    raise DatabaseError("gone")


def test_a_source_that_fails_is_left_out_and_told(client: Client, settings: Any) -> None:
    settings.METRICS = [f"{__name__}.broken", "knowledge.metrics.collect"]
    found = read(client)
    assert found["footnote_up", ""] == 0
    assert found["footnote_documents", ""] == 0
