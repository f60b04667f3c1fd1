"""A message that asks several things is searched in parts and answered part by part."""

from collections.abc import Callable

import pytest
from django.test import Client

from chat import reading
from chat.services import Asked
from knowledge.models import Document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = "How many weeks of parental leave may an employee take? Who approves flights over 800 euros?"


def test_both_parts_are_answered_from_their_own_documents(
    alice: User, leave: Document, travel: Document, answered: Callable[..., Asked]
) -> None:
    answer = answered(alice, BOTH).answer
    body = reading.answer(answer, user=alice)
    assert {source["document_id"] for source in body["sources"]} == {leave.pk, travel.pk}
    assert "fifty-two weeks" in body["message"]
    assert "travel desk" in body["message"]
    assert len(body["searched_for"]) == 2
    numbers = [number for sentence in body["sentences"] for number in sentence["numbers"]]
    assert numbers == list(range(1, len(numbers) + 1))
    for sentence in body["sentences"]:
        said = body["message"][sentence["start"] : sentence["end"]]
        assert f"[{sentence['numbers'][0]}]" in said


def test_a_part_without_an_answer_says_so(
    alice: User, leave: Document, travel: Document, answered: Callable[..., Asked]
) -> None:
    question = (
        "How many weeks of parental leave may an employee take? What is the boiling point of neon?"
    )
    answer = answered(alice, question).answer
    assert answer.outcome == "answered"
    assert "fifty-two weeks" in answer.text
    tail = answer.text.partition("What is the boiling point of neon?")[2]
    assert "Not in my documents." in tail


def test_the_prompt_lists_the_parts(
    alice: User,
    leave: Document,
    travel: Document,
    answered: Callable[..., Asked],
    model_server: ModelServer,
) -> None:
    model_server.script = Script(text="Fifty-two weeks [1]. The travel desk [2].")
    answered(alice, BOTH)
    prompt = model_server.requests[-1]["messages"][-1]["content"]
    assert "1. How many weeks of parental leave" in prompt
    assert "2. Who approves flights" in prompt
    assert "travel desk" in prompt
    assert "fifty-two weeks" in prompt


def test_the_prompt_names_the_language_of_the_question(
    alice: User,
    add_text: Callable[..., Document],
    answered: Callable[..., Asked],
    model_server: ModelServer,
) -> None:
    add_text("Elternzeit", "# Elternzeit\n\nJede Person darf bis zu 52 Wochen Elternzeit nehmen.")
    model_server.script = Script(text="52 Wochen [1].")
    answered(alice, "Wie viele Wochen Elternzeit darf jede Person nehmen?")
    assert "Answer in German" in model_server.requests[-1]["messages"][-1]["content"]


def test_what_is_not_found_is_said_in_the_language_of_the_question(
    alice: User, leave: Document, answered: Callable[..., Asked], client: Client
) -> None:
    asked = answered(alice, "Wie heiß ist die Sonne an ihrer Oberfläche?")
    assert asked.answer.outcome == "not_found"
    assert asked.answer.text.startswith("Nicht in meinen Dokumenten.")
    arabic = answered(alice, "ما هي درجة حرارة سطح الشمس؟", session_id=asked.session.pk)
    assert arabic.answer.text.startswith("ليس في مستنداتي.")
    client.force_login(alice)
    html = client.get(f"/c/{asked.session.pk}/").content.decode()
    assert '<p class="absent-title" dir="auto">Nicht in meinen Dokumenten.</p>' in html
    assert '<p class="absent-title" dir="auto">ليس في مستنداتي.</p>' in html
    assert "Not in my documents." not in html
