"""A call of a model: bounded, recorded, paid, and never in the way when it fails."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from chat.calls import Request, ask_model
from chat.generation.prompts import Message
from chat.models import ModelCall, Spending
from chat.runtime import Runtime
from chat.services import Asked
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

MESSAGES = (Message("system", "Write it anew."), Message("user", "And for contractors?"))


@pytest.fixture(autouse=True)
def _priced(settings: Any) -> None:
    settings.MODEL_PRICE_IN, settings.MODEL_PRICE_OUT = Decimal(2), Decimal(10)


class SlowRuntime(Runtime):
    """Its rows take their time, as those of a busy database do."""

    def rows(self, work: Callable[[], Any]) -> Any:
        def late() -> Any:
            time.sleep(0.3)
            return work()

        return super().rows(late)


def say(
    seconds: float = 5.0, runtime: type[Runtime] = Runtime, message_id: UUID | None = None
) -> str | None:
    """Ask in a loop of its own, as the runtime does in its thread."""
    request = Request("rewrite", MESSAGES, 50, seconds, message_id)

    async def ask() -> str | None:
        desk = runtime()
        try:
            return await ask_model(desk, request)
        finally:
            for model in desk.known_models():
                await model.close()

    return asyncio.run(ask())


def test_it_gives_what_the_model_says(model_server: ModelServer) -> None:
    model_server.script = Script(text="How much leave may contractors take?")
    assert say() == "How much leave may contractors take?"
    assert model_server.requests[0]["max_tokens"] == 50
    call = ModelCall.objects.get()
    assert (call.model, call.purpose, call.outcome) == ("scripted", "rewrite", "done")
    assert (call.tokens_in, call.tokens_out, call.is_estimated) == (100, 6, False)
    assert call.cost == Decimal("0.000260000")  # 100 at 2 and 6 at 10 dollars a million
    spent = Spending.objects.get(scope="all")
    assert (spent.spent_nano, spent.reserved_nano) == (260_000, 0)


def test_what_the_provider_does_not_count_is_estimated(model_server: ModelServer) -> None:
    model_server.script = Script(text="For how long?", usage=False)
    assert say() == "For how long?"
    call = ModelCall.objects.get()
    assert call.is_estimated
    assert call.tokens_in > 5
    assert call.tokens_out > 2


@pytest.mark.parametrize(
    "kind", ["throttled", "broken", "reset", "garbage", "page", "empty", "silent", "malformed"]
)
def test_whatever_goes_wrong_gives_nothing_and_frees_the_money(
    kind: str, model_server: ModelServer
) -> None:
    model_server.script = Script(kind=kind, text="a b c d e f g", cut_after=3)
    assert say() is None
    assert len(model_server.requests) == 1
    assert ModelCall.objects.get().outcome == "failed"
    assert Spending.objects.get(scope="all").reserved_nano == 0


@pytest.mark.parametrize("kind", ["throttled", "broken"])
def test_what_a_provider_refuses_costs_nothing(kind: str, model_server: ModelServer) -> None:
    model_server.script = Script(kind=kind)
    assert say() is None
    assert ModelCall.objects.get().cost == 0


def test_it_takes_no_longer_than_it_may(model_server: ModelServer) -> None:
    model_server.script = Script(kind="hang")
    began = time.monotonic()
    assert say(seconds=1.0) is None
    assert time.monotonic() - began < 5
    assert ModelCall.objects.get().outcome in {"timed_out", "stopped"}
    assert Spending.objects.get(scope="all").reserved_nano == 0


def test_money_that_is_reserved_too_late_is_given_back(model_server: ModelServer) -> None:
    assert say(seconds=0.1, runtime=SlowRuntime) is None
    call = ModelCall.objects.get()
    assert (call.outcome, call.cost) == ("stopped", 0)
    assert Spending.objects.get(scope="all").reserved_nano == 0
    assert model_server.requests == []


def test_without_a_model_there_is_no_call() -> None:
    assert say() is None
    assert not ModelCall.objects.exists()


def test_without_money_nothing_is_asked(model_server: ModelServer, settings: Any) -> None:
    settings.DAILY_BUDGET_USD = Decimal("0.0001")
    assert say() is None
    assert model_server.requests == []
    assert not ModelCall.objects.exists()


def test_it_counts_for_the_person_whose_answer_it_serves(
    alice: User, model_server: ModelServer, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, "Is there anything?", model="extractive")
    model_server.script = Script(text="Is there?")
    assert say(message_id=asked.answer.pk) == "Is there?"
    call = ModelCall.objects.get()
    assert (call.user_id, call.message_id) == (alice.pk, asked.answer.pk)
    assert Spending.objects.get(scope=f"person:{alice.pk}").spent_nano == 220_000
