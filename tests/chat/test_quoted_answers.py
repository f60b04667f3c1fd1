"""Without a model the best-supported sentences of the documents are quoted."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from chat import reading
from chat.services import Asked
from knowledge.models import Document, DocumentVersion
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


def test_a_question_is_answered_with_a_sentence_and_its_footnote(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, "How many weeks of parental leave may an employee take?")
    body = reading.answer(asked.answer, user=alice)
    assert body["state"] == "done"
    assert body["outcome"] == "answered"
    assert body["model"] == "extractive"
    assert "up to fifty-two weeks of parental leave" in body["message"]
    assert body["grounded"] is True
    assert body["sources"][0]["number"] == 1
    assert "[1]" in body["message"]


def test_what_a_footnote_says_is_the_text_of_that_version(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, "How many weeks of parental leave may an employee take?")
    body = reading.answer(asked.answer, user=alice)
    for source in body["sources"]:
        version = DocumentVersion.objects.get(
            document_id=source["document_id"], number=source["document_version"]
        )
        assert source["content"] == version.text[source["start"] : source["end"]]
        assert source["content"] in body["message"]


def test_every_sentence_says_where_it_is_and_what_it_cites(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, "When is parental leave paid in full?")
    body = reading.answer(asked.answer, user=alice)
    assert body["sentences"]
    for sentence in body["sentences"]:
        words = body["message"][sentence["start"] : sentence["end"]]
        assert sentence["support"] == "supported"
        assert all(f"[{number}]" in words for number in sentence["numbers"])


def test_a_question_that_no_document_answers_is_said_not_to_be_found(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, "zebra quantum volcano?")
    body = reading.answer(asked.answer, user=alice)
    assert body["outcome"] == "not_found"
    assert body["message"].startswith("Not in my documents. I searched 1 document")
    assert body["sources"] == []
    assert body["grounded"] is False


def test_a_code_that_no_document_has_is_named_in_the_answer(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, "How many weeks of parental leave does error LNK1108 take?")
    body = reading.answer(asked.answer, user=alice)
    assert body["outcome"] == "not_found"
    assert "mentions `LNK1108`" in body["message"]
    assert body["confidence"] == "low"
    assert body["nearest"]


def test_with_no_documents_at_all_it_says_so(alice: User, answered: Callable[..., Asked]) -> None:
    asked = answered(alice, "How many weeks of leave?")
    assert asked.answer.outcome == "not_found"
    assert "no document yet" in asked.answer.text


def test_send_waits_and_gives_the_whole_answer(
    alice: User, leave: Document, api: Callable[..., APIClient]
) -> None:
    response = api(alice).post(
        "/api/chat/send/", {"message": "When is parental leave paid in full?"}
    )
    body: dict[str, Any] = response.json()
    assert response.status_code == 200, body
    assert set(body) == {
        "session_id", "message_id", "message", "state", "outcome", "sources", "nearest",
        "sentences", "grounded", "unsupported", "confidence", "model", "notice", "degraded",
        "cached", "tokens_used", "processing_time", "searched_for",
    }  # fmt: skip
    assert set(body["sources"][0]) == {
        "number", "document_id", "document_version", "title", "heading", "page", "content",
        "gone", "start", "end", "score", "url", "review_by", "is_overdue",
    }  # fmt: skip
