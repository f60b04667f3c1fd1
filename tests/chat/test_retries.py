"""A call is repeated where it was refused for the moment, and never once a word was shown."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from chat.generation.breaker import FAILURES
from chat.generation.llm import ChatModel
from chat.generation.modelconfig import (
    Limits,
    ModelBusy,
    ModelConfig,
    ModelError,
    ModelFailed,
    ModelResting,
    ModelTimeout,
)
from chat.generation.prompts import Message
from tests.model_server import ModelServer, Script

ASKED = (Message("user", "How long?"),)


@pytest.fixture
def config(model_server: ModelServer) -> ModelConfig:
    return ModelConfig("scripted", "key", model_server.url, retries=2, queue_seconds=0.2)


def said(config: ModelConfig, times: int = 1) -> list[str | ModelError]:
    """What a model says to as many calls, one after the other."""

    async def ask() -> list[str | ModelError]:
        model = ChatModel(config)
        found: list[str | ModelError] = []
        for _ in range(times):
            try:
                found.append("".join([token.text async for token in model.write(ASKED)]))
            except ModelError as error:
                found.append(error)
        await model.close()
        return found

    return asyncio.run(ask())


REFUSALS = [
    Script("broken"),
    Script("refused", status=503),
    Script("refused", status=529),
    Script("throttled", retry_after=0.1),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_was_refused_for_the_moment_is_asked_again(
    refusal: Script, config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.first = [refusal, refusal]
    model_server.script = Script(text="52 weeks [1].")
    assert said(config) == ["52 weeks [1]."]
    assert len(model_server.requests) == 3


def test_it_is_not_asked_for_ever(config: ModelConfig, model_server: ModelServer) -> None:
    model_server.script = Script("broken")
    assert isinstance(said(config)[0], ModelFailed)
    assert len(model_server.requests) == 3


def test_it_is_asked_no_sooner_than_the_provider_wants(
    config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.first = [Script("throttled", retry_after=1)]
    model_server.script = Script(text="52 weeks [1].")
    began = time.monotonic()
    assert said(config) == ["52 weeks [1]."]
    assert 1.0 <= time.monotonic() - began < 3.0


def test_a_provider_that_wants_a_long_time_is_not_waited_for_nor_asked_meanwhile(
    config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.script = Script("throttled", retry_after=60)
    began = time.monotonic()
    first, second = said(config, times=2)
    assert isinstance(first, ModelFailed)
    assert isinstance(second, ModelResting)
    assert len(model_server.requests) == 1
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "refusal",
    [
        Script("refused", status=400),
        Script("refused", status=401),
        Script("refused", status=404),
        Script("refused", status=429, error={"message": "no money", "code": "insufficient_quota"}),
        Script("silent"),
        Script("garbage"),
        Script("page"),
    ],
)
def test_what_no_repetition_mends_is_asked_once(
    refusal: Script, config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.script = refusal
    assert isinstance(said(config)[0], ModelFailed)
    assert len(model_server.requests) == 1


@pytest.mark.parametrize("kind", ["reset", "stuck"])
def test_nothing_is_repeated_once_a_word_was_shown(
    kind: str, config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.script = Script(kind, text="You may take 52 weeks [1].", cut_after=3)
    assert isinstance(said(replace(config, next_token_seconds=0.3))[0], ModelError)
    assert len(model_server.requests) == 1


def test_each_wait_has_a_limit_of_its_own(config: ModelConfig, model_server: ModelServer) -> None:
    patient = replace(config, first_token_seconds=5.0, next_token_seconds=5.0, whole_seconds=5.0)
    slow = Script(text="a b c d e f", first_delay=0.5, delay=0.1)
    model_server.script = slow
    assert said(patient) == ["a b c d e f"]
    for impatient in (
        replace(patient, first_token_seconds=0.2),
        replace(patient, next_token_seconds=0.05),
        replace(patient, whole_seconds=0.8),
    ):
        assert isinstance(said(impatient)[0], ModelTimeout)


def test_a_model_that_thinks_aloud_is_alive(config: ModelConfig, model_server: ModelServer) -> None:
    model_server.script = Script("thinking", text="52 weeks [1].", delay=0.1)
    assert said(replace(config, first_token_seconds=0.3)) == ["52 weeks [1]."]


def test_a_server_that_refuses_a_parameter_is_asked_without_it(
    config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.script = Script("strict", text="52 weeks [1].")
    assert said(config, times=2) == ["52 weeks [1]."] * 2
    assert len(model_server.requests) == 4  # learned once, in two refusals
    last = model_server.requests[-1]
    assert "temperature" not in last
    assert last["max_completion_tokens"] == 700


def test_a_model_that_fails_again_and_again_is_left_alone(
    config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.script = Script("silent")
    found = said(config, times=FAILURES + 3)
    assert len(model_server.requests) == FAILURES
    assert all(isinstance(error, ModelResting) for error in found[FAILURES:])


def test_a_bad_request_says_nothing_about_the_model(
    config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.script = Script("refused", status=400)
    found = said(config, times=FAILURES + 1)
    assert isinstance(found[-1], ModelFailed)
    assert len(model_server.requests) == FAILURES + 1


async def _texts(model: ChatModel) -> AsyncIterator[str]:
    async for token in model.write(ASKED, Limits(50, 5.0)):
        yield token.text


def test_no_more_calls_run_at_once_than_may_and_one_too_many_does_not_wait_for_ever(
    config: ModelConfig, model_server: ModelServer
) -> None:
    model_server.script = Script(text="a b c", delay=0.2)

    async def one(model: ChatModel) -> str | ModelError:
        try:
            return "".join([text async for text in _texts(model)])
        except ModelError as error:
            return error

    async def ask(count: int) -> Sequence[str | ModelError]:
        model = ChatModel(replace(config, at_once=2))
        found = await asyncio.gather(*(one(model) for _ in range(count)))
        assert model.running == 0
        await model.close()
        return found

    found = asyncio.run(ask(5))
    assert found.count("a b c") == 2
    assert sum(isinstance(error, ModelBusy) for error in found) == 3
    assert len(model_server.requests) == 2
