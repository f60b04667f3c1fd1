"""Mail that waits: claimed once, tried for hours, given up, forgotten; one stops no other."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from core import health, outbox, schedule
from core.models import OutboundMail

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
UNMAILABLE = "a@x." + "ü" * 62


class Server(BaseEmailBackend):
    """A mail server that meets some recipients with an error, or does something before it sends."""

    errors: ClassVar[dict[str, Exception]] = {}
    before: ClassVar[list[Any]] = []

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for message in messages:
            for act in self.before:
                act()
            if error := self.errors.get(message.to[0]):
                raise error
            mail.outbox.append(message)
        return len(messages)


@pytest.fixture
def server(settings: Any) -> type[Server]:
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    mail.outbox = []
    Server.errors, Server.before = {}, []  # type: ignore[misc]
    return Server


@pytest.fixture
def _files(settings: Any, tmp_path: Any) -> None:
    settings.BROKER_DIR = tmp_path / "broker"


def waiting(to: str, **fields: Any) -> OutboundMail:
    return OutboundMail.objects.create(key=to, to=to, subject="s", text="t", **fields)


def test_an_address_that_no_header_can_carry_ends_the_mail_for_good() -> None:
    row = waiting(UNMAILABLE)
    assert not outbox.send_due(row.pk)
    row.refresh_from_db()
    assert (row.sent_at, row.text, row.error) == (None, "", "UnicodeError")
    assert outbox.due_mail_ids() == []
    assert not outbox.send_due(row.pk)


@pytest.mark.usefixtures("_files")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [RuntimeError("new"), ValueError("odd"), OSError("down")])
def test_one_mail_stops_neither_the_others_nor_the_heartbeat(
    server: type[Server], error: Exception
) -> None:
    server.errors["bad@example.org"] = error
    for name in ("a", "bad", "z"):
        waiting(f"{name}@example.org")
    assert schedule.sweep()["sent"] == 2
    assert {message.to[0] for message in mail.outbox} == {"a@example.org", "z@example.org"}
    assert health.worker()[0] == "ok"


@pytest.mark.usefixtures("_files")
@pytest.mark.django_db(transaction=True)
def test_the_worker_is_seen_to_live_before_any_mail_goes_out(server: type[Server]) -> None:
    seen: list[str] = []
    server.before.append(lambda: seen.append(health.worker()[0]))
    waiting("a@example.org")
    schedule.sweep()
    assert seen == ["ok"]


def test_a_server_that_is_down_gets_twelve_tries_and_the_text_goes_with_the_last(
    server: type[Server],
) -> None:
    server.errors["a@example.org"] = ConnectionRefusedError()
    row = waiting("a@example.org")
    for number in range(1, outbox.ATTEMPTS + 1):
        OutboundMail.objects.update(due_at=timezone.now())
        assert outbox.due_mail_ids() == [row.pk]
        outbox.send_due(row.pk)
        row.refresh_from_db()
        assert (row.attempts, row.text) == (number, "t" if number < outbox.ATTEMPTS else "")
    OutboundMail.objects.update(due_at=timezone.now())
    assert outbox.due_mail_ids() == []


def test_who_lost_the_claim_writes_nothing_over_the_next(server: type[Server]) -> None:
    row = waiting("a@example.org")
    until = timezone.now() + timedelta(minutes=9)
    server.before.append(lambda: OutboundMail.objects.update(lease_until=until, attempts=5))
    for error in (None, OSError("down"), ValueError("odd")):
        OutboundMail.objects.update(lease_until=None)
        server.errors.pop(row.to, None)
        if error:
            server.errors[row.to] = error
        outbox.send_due(row.pk)
        row.refresh_from_db()
        assert (row.lease_until, row.sent_at, row.attempts, row.text) == (until, None, 5, "t")


def test_rows_that_have_served_go_after_thirty_days() -> None:
    now = timezone.now()
    old, young = now - timedelta(days=31), now - timedelta(days=29)
    done = {"attempts": outbox.ATTEMPTS}
    waiting("sent-old@example.org", sent_at=old, due_at=old)
    waiting("sent-young@example.org", sent_at=young, due_at=old)
    waiting("given-up-old@example.org", due_at=old, **done)
    waiting("given-up-young@example.org", due_at=young, **done)
    waiting("in-its-last-attempt@example.org", due_at=young, lease_until=now + outbox.LEASE, **done)
    waiting("waits-long@example.org", due_at=old)
    assert outbox.clean() == 2
    texts = dict(OutboundMail.objects.values_list("to", "text"))
    assert texts == {
        "sent-young@example.org": "t",
        "given-up-young@example.org": "",
        "in-its-last-attempt@example.org": "t",
        "waits-long@example.org": "t",
    }
