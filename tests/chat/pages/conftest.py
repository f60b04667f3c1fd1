"""Conversations as rows, without generating anything."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from chat.models import ChatSession, Citation, Message
from knowledge.models import Document

POLICY = """# Leave policy

## Entitlement

Every employee may take fifty-two weeks of leave. It may be taken in two blocks.
"""
ANSWER = "You can take fifty-two weeks. [1] Most teams agree to more."


@pytest.fixture
def policy(add_text: Callable[..., Document]) -> Document:
    return add_text("Leave policy", POLICY)


@pytest.fixture
def converse(db: None) -> Callable[..., ChatSession]:
    """``converse(user, document, turns=2)``: answered questions, each with one footnote."""

    def make(user: Any, document: Document | None = None, turns: int = 1, **answer: Any) -> Any:
        session = ChatSession.objects.create(user=user, title="Leave and pay")
        for number in range(turns):
            _turn(session, number * 2, document, answer)
        return session

    return make


def _turn(session: ChatSession, ordinal: int, document: Document | None, fields: Any) -> None:
    question = Message.objects.create(
        session=session, ordinal=ordinal, role="user", text="How long is the leave?"
    )
    given = {
        "text": ANSWER,
        "state": "done",
        "outcome": "answered",
        "model": "scripted",
        "searched": 3,
        "sentences": [
            {"start": 0, "end": 33, "numbers": [1], "support": "supported"},
            {"start": 34, "end": 59, "numbers": [], "support": "unsupported"},
        ],
        **fields,
    }
    answer = Message.objects.create(
        session=session, ordinal=ordinal + 1, role="assistant", question=question, **given
    )
    if document is None:
        return
    start = POLICY.index("Every")
    Citation.objects.create(
        message=answer,
        number=1,
        document=document,
        version=document.active_version,
        document_number=document.pk,
        version_number=1,
        title=document.title,
        heading="Entitlement",
        start=start,
        end=start + 49,
        passage_start=start,
        passage_end=start + 80,
    )


@pytest.fixture
def sign_in() -> Callable[[Any], Client]:
    """A browser in which the user is signed in; None is nobody."""

    def client(user: Any = None, **options: Any) -> Client:
        made = Client(**options)
        if user is not None:
            made.force_login(user)
        return made

    return client


def answer_of(session: ChatSession) -> Message:
    return session.messages.filter(role="assistant").latest("ordinal")
