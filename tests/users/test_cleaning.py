"""The night's clean-up: what goes, what stays, and that it can be run twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from chat.models import ChatSession
from core.models import OutboundMail, PeriodicRun
from users import cleaning, schedule
from users.models import DataExport, TokenFamily, User
from users.services import make_visitor
from users.tokens import issue_tokens, rotate

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def member(name: str, days: int, **fields: Any) -> User:
    """A member who signed up and was last seen so many days ago."""
    then = timezone.now() - timedelta(days=days)
    fields = {"created_at": then, "last_seen_at": then, **fields}
    return User.objects.create_user(f"{name}@example.org", None, **fields)


def visitor(days: int) -> User:
    user = make_visitor()
    User.objects.filter(pk=user.pk).update(last_seen_at=timezone.now() - timedelta(days=days))
    return user


def emails() -> set[str | None]:
    return set(User.objects.values_list("email", flat=True))


def test_who_did_not_confirm_is_reminded_once(now: datetime) -> None:
    member("late", 2, verification_count=1, verification_sent_at=now - timedelta(hours=25))
    member("fresh", 0, verification_count=1, verification_sent_at=now - timedelta(hours=23))
    member("reminded", 5, verification_count=2, verification_sent_at=now - timedelta(days=4))
    confirmed = {"is_verified": True, "verification_count": 1}
    member("done", 2, verification_sent_at=now - timedelta(days=2), **confirmed)
    inactive = {"is_active": False, "verification_count": 1}
    member("shut", 2, verification_sent_at=now - timedelta(days=2), **inactive)
    assert [cleaning.remind_unverified(now), cleaning.remind_unverified(now)] == [1, 0]
    assert OutboundMail.objects.get().to == "late@example.org"


def test_an_unconfirmed_account_with_nothing_left_goes(now: datetime) -> None:
    member("gone", 31)
    member("young", 29)
    member("seen", 60, last_seen_at=now - timedelta(days=2))
    member("confirmed", 60, is_verified=True)
    member("staff", 60, is_staff=True)
    member("admin", 60, is_superuser=True)
    talked = member("talked", 60)
    ChatSession.objects.create(user=talked)
    assert cleaning.remove_unverified(now) == 1
    assert emails() == {
        f"{name}@example.org" for name in ("young", "seen", "confirmed", "staff", "admin", "talked")
    }
    assert cleaning.remove_unverified(now) == 0


def test_a_visitor_with_nothing_left_goes(now: datetime) -> None:
    visitor(31)
    stays = {visitor(29).pk, visitor(60).pk}
    ChatSession.objects.create(user_id=max(stays))
    assert cleaning.remove_visitors(now) == 1
    assert set(User.objects.values_list("pk", flat=True)) == stays


def test_many_go_in_batches(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "BATCH", 3)
    for _ in range(8):
        visitor(31)
    assert cleaning.remove_visitors(now) == 8


def test_a_clean_up_that_was_killed_half_way_is_finished_by_the_next(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "BATCH", 2)
    for _ in range(5):
        visitor(31)
    erase = cleaning.erase
    calls: list[int] = []

    def erase_once(users: list[User]) -> None:
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        erase(users)

    monkeypatch.setattr(cleaning, "erase", erase_once)
    with pytest.raises(KeyboardInterrupt):
        cleaning.remove_visitors(now)
    assert User.objects.count() == 3
    monkeypatch.setattr(cleaning, "erase", erase)
    assert cleaning.remove_visitors(now) == 3


def test_expired_tokens_and_families_go(alice: User, now: datetime) -> None:
    rotate(issue_tokens(alice)["refresh"])
    OutstandingToken.objects.filter(blacklistedtoken__isnull=False).update(
        expires_at=now - timedelta(days=1)
    )
    old = TokenFamily.objects.get()
    issue_tokens(alice)
    TokenFamily.objects.filter(pk=old.pk).update(expires_at=now - timedelta(days=1))
    assert cleaning.flush_tokens(now) == 2
    assert OutstandingToken.objects.count() == 2
    assert not BlacklistedToken.objects.exists()
    assert TokenFamily.objects.count() == 1


def test_expired_exports_go_with_their_files(alice: User, now: datetime) -> None:
    for name, hours in (("old", -1), ("new", 1)):
        default_storage.save(f"exports/{name}.zip", ContentFile(b"zip"))
        DataExport.objects.create(
            user=alice,
            token=name,
            state="ready",
            file=f"exports/{name}.zip",
            expires_at=now + timedelta(hours=hours),
        )
    assert [cleaning.remove_exports(now), cleaning.remove_exports(now)] == [1, 0]
    assert default_storage.listdir("exports")[1] == ["new.zip"]


def test_files_that_a_kill_left_behind_go(now: datetime) -> None:
    default_storage.save("exports/orphan.zip", ContentFile(b"zip"))
    assert cleaning.remove_orphan_files(now) == 0  # it may be just being written
    assert cleaning.remove_orphan_files(now + timedelta(hours=2)) == 1


def test_expired_page_sessions_go(alice: User, charlie: User, now: datetime) -> None:
    Client().force_login(alice)
    Session.objects.update(expire_date=now - timedelta(seconds=1))
    Client().force_login(charlie)
    assert cleaning.clear_sessions(now) == 1
    assert Session.objects.count() == 1


def test_an_empty_night_reports_noughts() -> None:
    assert cleaning.clean() == dict.fromkeys(
        ("reminded", "unverified", "visitors", "tokens", "exports", "orphans", "sessions"), 0
    )


def test_the_tick_cleans_once_a_night_and_reports(settings: Any) -> None:
    settings.TIME_ZONE = "UTC"
    visitor(31)
    first, second = schedule.sweep(), schedule.sweep()
    due = datetime.now(UTC).time() >= schedule.CLEANED_AT
    assert first.get("visitors") == (1 if due else None)
    assert "visitors" not in second
    assert PeriodicRun.objects.filter(name="users.clean").count() == (1 if due else 0)


def test_the_tick_hints_at_exports_that_nobody_works_on(alice: User) -> None:
    DataExport.objects.create(user=alice, token="t", expires_at=timezone.now())
    assert schedule.sweep()["exports_requeued"] == 1
