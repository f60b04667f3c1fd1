"""What the tests of accounts share."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from rest_framework.test import APIClient

from core import outbox
from core.models import OutboundMail
from tests.users.people import PASSWORD, section_of
from users.models import User


@pytest.fixture(autouse=True)
def _limits_out_of_the_way(settings: Any) -> None:
    """Tests of limits set their own; all others knock as often as they like."""
    settings.RATES = dict.fromkeys(settings.RATES, "")
    settings.EXPORT_SECTIONS = [f"{section_of.__module__}.{section_of.__name__}"]


@pytest.fixture
def log_in() -> Callable[[User], dict[str, Any]]:
    """``log_in(user)``: the body of a log-in by API."""

    def enter(user: User, password: str = PASSWORD) -> dict[str, Any]:
        answer = APIClient().post("/api/users/login/", {"email": user.email, "password": password})
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    return enter


@pytest.fixture
def sent() -> Callable[[], list[Any]]:
    """``sent()``: deliver what waits in the outbox and give the mails."""

    def deliver() -> list[Any]:
        for waiting in OutboundMail.objects.filter(sent_at=None).order_by("pk"):
            outbox.send_due(waiting.pk)
        return list(mail.outbox)

    mail.outbox = []
    return deliver
