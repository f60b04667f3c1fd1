"""Money is reserved before a call and settled after it: nobody overspends, nothing stays held."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from chat import schedule, spending
from chat.generation.modelconfig import BudgetExhausted
from chat.models import Budget, ChatSession, Message, ModelCall, Spending
from chat.spending import Order, Receipt, reserve, settle
from knowledge.models import Document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

CENT = Decimal("0.01")
QUESTION = {"message": "How many weeks of parental leave may an employee take?"}


def order(cost: Decimal = CENT, message_id: UUID | None = None) -> Order:
    return Order("good", "answer", message_id, 100, cost / 10, cost, seconds=5.0)


def done(cost: Decimal) -> Receipt:
    return Receipt("done", tokens_in=100, tokens_out=10, is_estimated=False, cost=cost)


def held(scope: str = "all") -> tuple[int, int]:
    row = Spending.objects.get(scope=scope)
    return row.spent_nano, row.reserved_nano


@pytest.fixture
def answer_of() -> Callable[[User], UUID]:
    """``answer_of(user)``: the id of an answer in a conversation of theirs."""

    def make(user: User) -> UUID:
        session = ChatSession.objects.create(user=user)
        message = Message.objects.create(session=session, ordinal=0, role=Message.Role.ASSISTANT)
        return message.pk

    return make


def test_what_is_reserved_is_freed_by_what_was_spent(settings: Any) -> None:
    settings.DAILY_BUDGET_USD = Decimal(1)
    call = reserve(order())
    assert held() == (0, 10_000_000)
    assert settle(call, done(CENT / 4))
    assert held() == (2_500_000, 0)


def test_a_call_is_settled_once(settings: Any) -> None:
    call = reserve(order())
    assert settle(call, done(CENT))
    assert not settle(call, done(CENT))
    assert held() == (10_000_000, 0)


def test_fifty_calls_at_once_do_not_overspend(settings: Any) -> None:
    settings.DAILY_BUDGET_USD = CENT * 20
    got: list[int] = []
    refused: list[str] = []
    start = threading.Barrier(50)

    def call() -> None:
        start.wait()
        try:
            got.append(reserve(order()))
        except BudgetExhausted as error:
            refused.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(got), len(refused)) == (20, 30)
    assert held() == (0, 200_000_000)
    assert ModelCall.objects.count() == 20


def test_fifty_calls_that_end_at_once_are_all_counted(settings: Any) -> None:
    calls = [reserve(order()) for _ in range(50)]

    def end(call: int) -> None:
        settle(call, done(CENT / 2))
        connections.close_all()

    threads = [threading.Thread(target=end, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert held() == (250_000_000, 0)


def test_what_a_killed_process_held_is_freed_by_the_sweep() -> None:
    call = reserve(order())
    assert schedule.sweep()["released"] == 0
    ModelCall.objects.filter(pk=call).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert schedule.sweep()["released"] == 1
    row = ModelCall.objects.get()
    assert (row.outcome, row.cost) == ("lost", CENT / 10)  # the prompt was sent
    assert held() == (1_000_000, 0)
    assert not settle(call, done(CENT))  # a process that was only asleep changes nothing
    assert held() == (1_000_000, 0)


def test_each_person_has_a_budget(
    settings: Any, alice: User, charlie: User, answer_of: Callable[[User], UUID]
) -> None:
    settings.DAILY_BUDGET_PERSON_USD = CENT * 2
    mine, theirs = answer_of(alice), answer_of(charlie)
    for _ in range(2):
        reserve(order(message_id=mine))
    with pytest.raises(BudgetExhausted):
        reserve(order(message_id=mine))
    reserve(order(message_id=theirs))
    assert held() == (0, 30_000_000)  # what was refused holds nothing
    assert held(f"person:{alice.pk}") == (0, 20_000_000)


def test_a_persons_own_budget_stands_above_the_usual_one(
    settings: Any, alice: User, answer_of: Callable[[User], UUID]
) -> None:
    settings.DAILY_BUDGET_PERSON_USD = CENT
    Budget.objects.create(person=alice, daily_usd=CENT * 3)
    for _ in range(3):
        reserve(order(message_id=answer_of(alice)))
    with pytest.raises(BudgetExhausted):
        reserve(order(message_id=answer_of(alice)))


def test_a_group_shares_its_budget(
    alice: User, charlie: User, bob: User, answer_of: Callable[[User], UUID]
) -> None:
    group = Group.objects.create(name="interns")
    Budget.objects.create(group=group, daily_usd=CENT * 2)
    alice.groups.add(group)
    charlie.groups.add(group)
    reserve(order(message_id=answer_of(alice)))
    reserve(order(message_id=answer_of(charlie)))
    with pytest.raises(BudgetExhausted):
        reserve(order(message_id=answer_of(charlie)))
    reserve(order(message_id=answer_of(bob)))


def test_a_budget_made_in_the_middle_of_the_day_counts_what_was_spent(
    alice: User, answer_of: Callable[[User], UUID]
) -> None:
    settle(reserve(order(message_id=answer_of(alice))), done(CENT))
    group = Group.objects.create(name="interns")
    alice.groups.add(group)
    Budget.objects.create(group=group, daily_usd=CENT)
    with pytest.raises(BudgetExhausted):
        reserve(order(message_id=answer_of(alice)))


def test_the_day_begins_at_midnight_in_the_zone(settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    assert str(spending.today(datetime(2026, 3, 1, 4, 59, tzinfo=UTC))) == "2026-02-28"
    assert str(spending.today(datetime(2026, 3, 1, 5, 1, tzinfo=UTC))) == "2026-03-01"


def test_yesterdays_money_is_not_todays(settings: Any) -> None:
    settings.DAILY_BUDGET_USD = CENT
    yesterday = spending.today() - timedelta(days=1)
    Spending.objects.create(day=yesterday, scope="all", spent_nano=10**12)
    reserve(order())


def test_what_costs_nothing_is_never_refused(settings: Any) -> None:
    settings.DAILY_BUDGET_USD = Decimal(0)
    reserve(order(Decimal(0)))
    with pytest.raises(BudgetExhausted):
        reserve(order())


def test_old_calls_are_forgotten() -> None:
    long_ago = spending.today() - timedelta(days=401)
    ModelCall.objects.create(day=long_ago, model="good", purpose="answer", outcome="done")
    settle(reserve(order()), done(CENT))
    assert spending.forget_old(timezone.now()) == 1
    assert ModelCall.objects.count() == 1


def test_at_the_limit_the_documents_are_quoted_and_the_reader_is_told(
    alice: User,
    leave: Document,
    api: Callable[..., APIClient],
    model_server: ModelServer,
    settings: Any,
) -> None:
    settings.MODEL_PRICE_IN = settings.MODEL_PRICE_OUT = Decimal(1000)
    settings.DAILY_BUDGET_USD = CENT
    body = api(alice).post("/api/chat/send/", QUESTION).json()
    assert (body["model"], body["outcome"]) == ("extractive", "answered")
    assert body["notice"]["code"] == "budget_exhausted"
    assert "budget" in body["notice"]["detail"]
    assert body["degraded"] == ["model"]
    assert model_server.requests == []


def test_at_the_limit_a_cheaper_model_writes_and_the_reader_is_told(  # noqa: PLR0917
    alice: User,
    leave: Document,
    api: Callable[..., APIClient],
    model_server: ModelServer,
    settings: Any,
    tmp_path: Path,
) -> None:
    entry = '[[models]]\nname = "{}"\nbase_url = "{}"\nprice_in = {}\nprice_out = {}\n'
    listed = [("good", 1000), ("dearer", 9000), ("cheap", 1), ("free", 0)]
    path = tmp_path / "models.toml"
    path.write_text("".join(entry.format(n, model_server.url, p, p) for n, p in listed))
    settings.MODELS_FILE = str(path)
    settings.MODEL_FALLBACKS = ["dearer"]
    settings.DAILY_BUDGET_USD = CENT
    model_server.script = Script(text="You may take 52 weeks [1].")
    body = api(alice).post("/api/chat/send/", QUESTION).json()
    assert body["model"] == "cheap"
    assert body["notice"]["code"] == "budget_exhausted"
    assert body["notice"]["detail"].startswith("Written by cheap.")
    assert [request["model"] for request in model_server.requests] == ["cheap"]


def test_a_stopped_answer_frees_what_it_held(
    alice: User, leave: Document, model_server: ModelServer, settings: Any
) -> None:
    from chat.services import Question, ask, stop  # noqa: PLC0415
    from chat.waiting import wait_for_answer  # noqa: PLC0415

    settings.MODEL_PRICE_IN = settings.MODEL_PRICE_OUT = Decimal(1)
    model_server.script = Script(text="word " * 500, delay=0.05)
    asked = ask(alice, Question(QUESTION["message"]))
    for _ in range(200):
        asked.answer.refresh_from_db()
        if asked.answer.text:
            break
        threading.Event().wait(0.05)
    stop(alice, asked.answer.pk)
    wait_for_answer(asked.answer.pk)
    call = ModelCall.objects.get()
    assert call.outcome == "stopped"
    assert call.tokens_out > 0
    assert call.cost > 0
    assert held()[1] == 0
