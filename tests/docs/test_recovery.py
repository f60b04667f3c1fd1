"""What the manual promises after a kill is what leases and the tick of beat add up to."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings

from chat import journal
from knowledge.indexing import leases

ROOT = Path(__file__).resolve().parents[2]
TICK = timedelta(seconds=settings.CELERY_BEAT_SCHEDULE["knowledge.schedule.sweep"]["schedule"])


def text(name: str) -> str:
    return " ".join((ROOT / name).read_text().split())


def test_a_document_goes_on_within_three_minutes() -> None:
    assert timedelta(minutes=2) == leases.LEASE
    assert timedelta(minutes=3) >= leases.LEASE + TICK
    assert "a document goes on within three minutes" in text("README.md")
    assert "within about three minutes" in text("docs/operating.md")
    assert "after two minutes, and within another minute" in text("docs/documents.md")


def test_an_answer_becomes_interrupted_within_a_minute_and_a_half() -> None:
    assert timedelta(seconds=90) >= journal.LEASE + TICK
    for name in ("README.md", "docs/operating.md"):
        assert "within a minute and a half" in text(name)
