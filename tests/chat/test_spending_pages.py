"""Staff see what models cost, by day and model; nobody changes it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from chat.models import ModelCall, Spending
from chat.spending import today
from users.models import User

pytestmark = pytest.mark.django_db


def call(days_ago: int = 0, model: str = "good", cost: str = "0.25", **more: Any) -> ModelCall:
    fields = {"purpose": "answer", "outcome": "done", "tokens_in": 1000, "tokens_out": 200, **more}
    day = today() - timedelta(days=days_ago)
    return ModelCall.objects.create(day=day, model=model, cost=Decimal(cost), **fields)


@pytest.fixture
def desk(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def test_a_day_and_a_model_are_a_line(desk: Client) -> None:
    call()
    call(outcome="failed", cost="0", error="the model answered 500")
    call(model="cheap", cost="0.0001")
    call(days_ago=40, cost="9")
    page = desk.get("/admin/chat/spending/")
    rows = page.context["rows"]
    assert [(row["model"], row["calls"], row["failed"]) for row in rows] == [
        ("good", 2, 1),
        ("cheap", 1, 0),
    ]
    assert page.context["total"] == Decimal("0.2501")
    assert b"0.2501" in page.content
    later = desk.get("/admin/chat/spending/?days=90")
    assert later.context["total"] == Decimal("9.2501")
    assert desk.get("/admin/chat/spending/?days=-1").context["days"] == 30


def test_the_budget_of_today_is_shown(desk: Client, settings: Any) -> None:
    settings.DAILY_BUDGET_USD = Decimal(2)
    Spending.objects.create(
        day=today(), scope="all", spent_nano=1_500_000_000, reserved_nano=250_000_000
    )
    page = desk.get("/admin/chat/spending/")
    assert page.context["today"].percent == 88
    assert b"1.5000 of 2.00 US dollars" in page.content
    settings.DAILY_BUDGET_USD = None
    assert b"no limit" in desk.get("/admin/chat/spending/").content


def test_an_installation_without_calls_has_a_page_too(desk: Client) -> None:
    assert b"No model was asked" in desk.get("/admin/chat/spending/").content


def test_single_calls_can_be_looked_at_and_not_changed(desk: Client) -> None:
    row = call(error="the model answered 500")
    assert desk.get("/admin/chat/modelcall/").status_code == 200
    page = desk.get(f"/admin/chat/modelcall/{row.pk}/change/")
    assert b"the model answered 500" in page.content
    assert desk.post(f"/admin/chat/modelcall/{row.pk}/change/", {"cost": 0}).status_code == 403
    assert desk.get("/admin/chat/modelcall/add/").status_code == 403
    assert desk.get("/admin/chat/spending/add/").status_code == 403


def test_budgets_are_for_whom_the_permission_was_given(desk: Client, bob: User) -> None:
    assert desk.get("/admin/chat/budget/").status_code == 403
    bob.is_superuser = True
    bob.save()
    fields = {"person": bob.pk, "group": "", "daily_usd": "1.50"}
    assert desk.post("/admin/chat/budget/add/", fields).status_code == 302
    neither = {"person": "", "group": "", "daily_usd": "1.50"}
    page = desk.post("/admin/chat/budget/add/", neither)
    assert b"Choose a group or a person" in page.content


def test_a_stranger_sees_nothing(alice: User) -> None:
    stranger = Client()
    stranger.force_login(alice)
    for path in ("spending/", "modelcall/", "budget/"):
        assert stranger.get(f"/admin/chat/{path}").status_code == 302
