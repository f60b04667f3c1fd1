"""The stage of the chat's tests: documents that answer, and a runtime that is quiet in between."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat.runtime import runtime
from chat.services import Asked, Question, ask
from chat.waiting import wait_for_answer
from knowledge.models import Document
from tests.model_server import model_server

__all__ = ["model_server"]

LEAVE = """# Parental leave

## Entitlement

Every employee may take up to fifty-two weeks of parental leave, whatever their length of service.
Leave may be taken in one or two blocks.

## Pay

Weeks 1 to 18 of parental leave are paid in full. Weeks 19 to 39 are paid at the statutory rate.

## Notice

Tell the People team ten weeks before parental leave begins.
"""
TRAVEL = """# Travel

Train journeys in Europe are booked in second class. The travel desk approves
flights over 800 euros.
Receipts are handed in within thirty days.
"""


@pytest.fixture(autouse=True)
def _quiet_runtime() -> Iterator[None]:
    """No answer of one test is written into the next one."""
    yield
    assert runtime().wind_down(10.0) == 0


@pytest.fixture
def leave(add_text: Callable[..., Document]) -> Document:
    return add_text("Parental Leave Policy", LEAVE, document_type="policy")


@pytest.fixture
def travel(add_text: Callable[..., Document]) -> Document:
    return add_text("Travel Guide", TRAVEL)


@pytest.fixture
def answered() -> Callable[..., Asked]:
    """``answered(user, "…")``: ask and wait for the end."""

    def ask_and_wait(user: Any, text: str, **fields: Any) -> Asked:
        asked = ask(user, Question(text, **fields))
        wait_for_answer(asked.answer.pk)
        asked.answer.refresh_from_db()
        return asked

    return ask_and_wait
