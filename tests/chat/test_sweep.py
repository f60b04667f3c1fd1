"""What beat's tick ends and removes, and what it leaves alone."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from chat import schedule
from chat.models import ChatSession, Message
from chat.services import delete_session, regenerate, restore_session
from core.errors import NotFound
from core.models import PeriodicRun
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


def make_running(user: User, seconds_left: int) -> Message:
    session = ChatSession.objects.create(user=user)
    question = Message.objects.create(session=session, ordinal=0, role="user", text="When?")
    return Message.objects.create(
        session=session,
        ordinal=1,
        role="assistant",
        question=question,
        text="So far",
        state="running",
        lease_token=uuid.uuid4(),
        lease_until=timezone.now() + timedelta(seconds=seconds_left),
    )


def test_an_answer_whose_process_is_gone_is_interrupted_and_keeps_its_text(alice: User) -> None:
    dead, alive = make_running(alice, -1), make_running(alice, 20)
    assert schedule.sweep()["interrupted"] == 1
    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.state, dead.text, dead.lease_token) == ("interrupted", "So far", None)
    assert alive.state == "running"


def test_an_interrupted_answer_can_be_asked_for_again(alice: User) -> None:
    dead = make_running(alice, -1)
    schedule.sweep()
    asked = regenerate(alice, dead.pk)
    assert asked.question.text == "When?"
    assert asked.session.pk == dead.session_id
    assert asked.answer.pk != dead.pk


def test_a_deleted_conversation_can_be_brought_back_for_ten_minutes(
    alice: User, charlie: User
) -> None:
    session = ChatSession.objects.create(user=alice)
    delete_session(alice, session.pk)
    schedule.sweep()
    with pytest.raises(NotFound):
        restore_session(charlie, session.pk)
    assert restore_session(alice, session.pk).is_active
    delete_session(alice, session.pk)
    past = timezone.now() - timedelta(minutes=11)
    ChatSession.objects.filter(pk=session.pk).update(deleted_at=past)
    with pytest.raises(NotFound):
        restore_session(alice, session.pk)
    assert schedule.sweep()["removed"] == 1
    assert not ChatSession.objects.exists()


def test_what_is_too_old_goes_at_night_once_and_in_batches(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    monkeypatch.setattr(schedule, "BATCH", 2)
    night = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)  # 02:30 in Berlin
    old = night - timedelta(days=31)
    for moment in [old] * 5 + [night - timedelta(days=29)] * 2:
        ChatSession.objects.create(user=alice, last_activity=moment)
    monkeypatch.setattr(schedule.timezone, "now", lambda: night - timedelta(hours=1))
    assert "expired" not in schedule.sweep()
    monkeypatch.setattr(schedule.timezone, "now", lambda: night)
    assert schedule.sweep()["expired"] == 5
    assert "expired" not in schedule.sweep()
    assert ChatSession.objects.count() == 2
    assert PeriodicRun.objects.get(name="chat.retention").report == {"expired": 5}


def test_a_day_more_or_less_counts(alice: User, settings: Any) -> None:
    now = timezone.now()
    settings.RETENTION_DAYS = 30
    kept = ChatSession.objects.create(user=alice, last_activity=now - timedelta(days=29, hours=23))
    ChatSession.objects.create(user=alice, last_activity=now - timedelta(days=30, hours=1))
    assert schedule.expire(now) == {"expired": 1}
    assert ChatSession.objects.get() == kept
