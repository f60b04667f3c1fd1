"""Figures about models and answers for a monitoring system."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from chat import resting
from chat.models import Budget, ModelCall, RestingModel, Spending
from chat.services import Asked
from chat.spending import today
from core import health, metrics
from knowledge.models import Document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = "How many weeks of parental leave may an employee take?"
TRUE = "Every employee may take up to 52 weeks of parental leave [1]."


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    metrics.forget()
    health.forget_report()
    resting._told.clear()
    yield
    metrics.forget()
    health.forget_report()


def read() -> dict[tuple[str, ...], float]:
    """Each figure by its name and the values of its labels, these by the labels' names."""
    metrics.forget()
    response = Client().get("/metrics")
    assert response.status_code == 200
    found = {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }
    assert found["footnote_up",] == 1
    return found


def test_calls_tokens_money_and_answers_are_counted(
    alice: User,
    leave: Document,
    answered: Callable[..., Asked],
    model_server: ModelServer,
    settings: Any,
) -> None:
    settings.MODEL_PRICE_IN = Decimal(2)
    model_server.script = Script(text=TRUE)
    answered(alice, QUESTION)
    answered(alice, "Who wrote the Divine Comedy?")
    found = read()
    assert found["footnote_model_calls_total", "scripted", "done", "answer"] == 1
    assert found["footnote_model_tokens_total", "in", "scripted", "answer"] == 100
    assert found["footnote_model_cost_usd_total", "scripted", "answer"] == pytest.approx(0.0002)
    assert found["footnote_model_first_token_seconds_count", "scripted"] == 1
    assert found["footnote_model_first_token_seconds_bucket", "+Inf", "scripted"] == 1
    assert found["footnote_model_calls_running", "scripted"] == 0
    assert found["footnote_answers_today", "answered", "done"] == 1
    assert found["footnote_answers_today", "not_found", "done"] == 1
    assert found["footnote_answers_not_found_ratio",] == 0.5
    assert found["footnote_sentences_today", "supported"] == 1
    assert found["footnote_answers_running",] == 0


def test_a_model_that_rests_is_seen_by_every_process_until_it_works(
    alice: User,
    leave: Document,
    answered: Callable[..., Asked],
    model_server: ModelServer,
    settings: Any,
) -> None:
    settings.CHAT_MODEL = "script:throttled"
    answered(alice, QUESTION)
    row = RestingModel.objects.get()
    assert (row.model, row.process) == ("script:throttled", resting.PROCESS)
    assert read()["footnote_model_breakers", "script:throttled", "open"] == 1
    RestingModel.objects.create(
        process="another", model="script:throttled", until=timezone.now() + timedelta(seconds=60)
    )
    assert read()["footnote_model_breakers", "script:throttled", "open"] == 2
    RestingModel.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert read()["footnote_model_breakers", "script:throttled", "half_open"] == 2
    RestingModel.objects.update(until=timezone.now() - timedelta(hours=1))
    assert read()["footnote_model_breakers", "script:throttled", "half_open"] == 0
    resting.rests("other", 5.0)
    assert [row.model for row in RestingModel.objects.all()] == ["other"]
    resting.works("other")
    assert not RestingModel.objects.exists()


def test_budgets_of_all_and_of_groups_are_told_and_those_of_persons_are_not(
    alice: User, settings: Any
) -> None:
    settings.DAILY_BUDGET_USD = Decimal(3)
    group = Group.objects.create(name="research")
    Budget.objects.create(group=group, daily_usd=Decimal(1))
    for scope, spent in (("all", 2), (f"group:{group.pk}", 1), (f"person:{alice.pk}", 1)):
        Spending.objects.create(day=today(), scope=scope, spent_nano=spent * 10**9)
    found = read()
    assert found["footnote_budget_limit_usd", "all"] == 3
    assert found["footnote_budget_spent_usd", "all"] == 2
    assert found["footnote_budget_spent_usd", "research"] == 1
    assert not any("person" in label for _, *labels in found for label in labels)


def test_queries_do_not_grow_with_calls(django_assert_max_num_queries: Any) -> None:
    ModelCall.objects.bulk_create(
        ModelCall(day=today(), model=f"m{n % 3}", purpose="answer", outcome="done")
        for n in range(300)
    )
    with django_assert_max_num_queries(45):
        read()
