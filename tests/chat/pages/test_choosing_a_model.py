"""The page offers a choice of models where there is one, and to whom it is allowed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chat.models import ChatSession, Message
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def two_models(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    entries = [{"name": name, "base_url": "http://127.0.0.1:9/v1"} for name in ("good", "cheap")]
    path.write_text(json.dumps(entries))
    settings.MODELS_FILE = str(path)


def options(client: Client, address: str = "/") -> list[str]:
    page = client.get(address).content.decode()
    return re.findall(r'<option value="([^"]+)"', page)


@pytest.fixture
def member(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def test_one_model_is_no_choice(member: Client, settings: Any) -> None:
    assert options(member) == []
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"
    assert options(member) == []


def test_a_member_may_choose_and_a_visitor_may_not(two_models: None, member: Client) -> None:
    assert options(member) == ["good", "cheap", "extractive"]
    assert options(Client()) == []


def test_everyone_may_choose_where_the_settings_say_so(two_models: None, settings: Any) -> None:
    settings.MODEL_CHOICE = "everyone"
    assert options(Client()) == ["good", "cheap", "extractive"]


def test_what_was_chosen_stays_chosen_in_the_conversation(two_models: None, member: Client) -> None:
    asked = {"message": "Is there anything?", "model": "extractive"}
    response = member.post("/ask/", asked)
    assert response.status_code == 302
    session = ChatSession.objects.get()
    assert session.model == "extractive"
    page = member.get(f"/c/{session.pk}/").content.decode()
    assert '<option value="extractive" selected>' in page
    member.post("/ask/", {"message": "And now?", "chat_session_id": session.pk})
    answers = Message.objects.filter(role="assistant")
    assert {answer.options["model"] for answer in answers} == {"extractive"}


def test_a_model_that_may_not_be_chosen_is_refused_with_a_sentence(
    two_models: None, member: Client
) -> None:
    response = member.post("/ask/", {"message": "Is there anything?", "model": "secret"})
    assert response.status_code == 400
    assert "not among those that you may choose" in response.content.decode()
    assert not Message.objects.exists()
