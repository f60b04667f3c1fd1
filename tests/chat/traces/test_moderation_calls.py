"""Each call of the moderation stands in the trace: of which text, what came; without its words."""

import json
from contextlib import nullcontext
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from chat.models import Message, Trace
from chat.retelling import tell
from knowledge.models import Document
from tests.chat.traces.reading import QUESTION, TRUE, Answered, allowed, shown, told, trace_rows
from tests.model_server import ModelServer, Moderation, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def moderated(model_server: ModelServer, settings: Any, leave: Document) -> ModelServer:
    settings.MODERATION_MODEL = "watcher-1"
    settings.MODERATION_TIMEOUT_MS = 500
    model_server.script = Script(text=TRUE)
    return model_server


def listed(asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(asked).as_dict()["moderations"]
    return found


def test_the_question_and_the_answer_are_told_with_what_was_said_of_them(
    alice: User, answered: Answered, moderated: ModelServer, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    question, answer = listed(asked)
    assert (question["what"], answer["what"]) == ("question", "answer")
    assert (question["characters"], answer["characters"]) == (len(QUESTION), len(TRUE))
    for one in (question, answer):
        assert (one["model"], one["host"]) == ("watcher-1", "127.0.0.1")
        assert (one["outcome"], one["flagged"], one["categories"]) == ("done", False, [])
        assert one["ms"] >= 0
        assert one["is_as_sent"] is True
    page = shown(asked, reader)
    assert "What the moderation was asked" in page
    assert f"The answer up to character {len(TRUE)}" in page
    assert "watcher-1 at 127.0.0.1" in page
    assert "Passed" in page


def test_no_word_of_what_was_judged_is_kept_with_the_trace(
    alice: User, answered: Answered, moderated: ModelServer
) -> None:
    answered(alice, QUESTION)
    assert "watcher-1" in trace_rows()
    assert "parental" not in trace_rows()


def test_a_question_that_is_objected_to_is_told_with_the_categories(
    alice: User, answered: Answered, moderated: ModelServer, reader: Client
) -> None:
    moderated.moderation = Moderation(words=("parental",))
    asked = answered(alice, QUESTION)
    [question] = listed(asked)
    assert (question["flagged"], question["categories"]) == (True, ["violence"])
    assert "Objected to" in shown(asked, reader)


def test_every_look_at_a_growing_answer_is_told_up_to_its_character(
    alice: User, answered: Answered, moderated: ModelServer
) -> None:
    words = ("harmless words [1]. " * 120).split(" ")
    moderated.script = Script(tokens=tuple(f"{word} " for word in words), delay=0.002)
    asked = answered(alice, QUESTION)
    looks = [one for one in listed(asked) if one["what"] == "answer"]
    assert len(looks) > 2
    assert [len(text) for text in moderated.moderated[1:]] == [one["characters"] for one in looks]
    assert all(one["is_as_sent"] for one in looks)


@pytest.mark.parametrize(
    "case",
    [
        (Moderation(delay=5.0), "nothing came in time"),
        (Moderation(status=500), "it answered 500"),
        (Moderation(body={"results": []}), "it sent no result"),
    ],
)
def test_a_call_that_failed_says_why(
    case: tuple[Moderation, str],
    alice: User,
    answered: Answered,
    moderated: ModelServer,
    reader: Client,
) -> None:
    moderated.moderation, why = case
    asked = answered(alice, QUESTION)
    assert [(one["outcome"], one["failed"]) for one in listed(asked)] == [("failed", why)] * 2
    assert why in shown(asked, reader)


def test_a_call_that_nobody_waited_for_was_given_up(
    alice: User, answered: Answered, moderated: ModelServer, reader: Client
) -> None:
    moderated.moderation = Moderation(delay=3.0)
    asked = answered(alice, "Thank you!")
    assert [one["outcome"] for one in listed(asked)] == ["given_up"]
    assert "Given up" in shown(asked, reader)


def test_a_text_that_has_changed_is_no_longer_as_sent(
    alice: User, answered: Answered, moderated: ModelServer, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    Message.objects.filter(pk=asked.answer.pk).update(text="Something else.")
    assert [one["is_as_sent"] for one in listed(asked)] == [True, False]
    assert "The text has changed since" in shown(asked, reader)


@pytest.mark.usefixtures("redacting")
def test_hidden_personal_data_is_counted_and_a_blocked_text_was_not_sent(
    alice: User,
    answered: Answered,
    moderated: ModelServer,
    reader: Client,
    settings: Any,
) -> None:
    asked = answered(alice, f"{QUESTION} Write to jane@example.org.")
    question = listed(asked)[0]
    assert question["personal_data_hidden"] == {"EMAIL": 1}
    assert (question["was_sent"], question["is_as_sent"]) == (True, True)
    assert "jane" not in "".join(moderated.moderated)
    settings.PII_POLICY = "block"
    sent = len(moderated.moderated)
    asked = answered(alice, f"{QUESTION} Write to jane@example.org!")
    assert listed(asked)[0]["was_sent"] is False
    assert len(moderated.moderated) == sent
    assert "Not sent" in shown(asked, reader)


def test_staff_who_may_not_read_words_see_the_verdicts(
    alice: User, bob: User, answered: Answered, moderated: ModelServer
) -> None:
    asked = answered(alice, QUESTION)
    figures = allowed(bob, "view_message")
    address = f"/admin/chat/message/{asked.answer.pk}/trace.json"
    body = json.loads(figures.get(address).content)
    assert [one["flagged"] for one in body["moderations"]] == [False, False]
    assert "personal_data_hidden" not in body["moderations"][0]
    assert "seal" not in body["moderations"][0]
    assert "parental" not in json.dumps(body["moderations"])


def test_a_stranger_reads_none_of_it(
    alice: User, charlie: User, answered: Answered, moderated: ModelServer, client: Client
) -> None:
    asked = answered(alice, QUESTION)
    client.force_login(charlie)
    address = f"/admin/chat/message/{asked.answer.pk}/trace"
    assert client.get(f"{address}/").status_code == 404
    assert client.get(f"{address}.json").status_code == 404


def test_the_calls_go_with_the_message(
    alice: User, answered: Answered, moderated: ModelServer
) -> None:
    asked = answered(alice, QUESTION)
    asked.session.delete()
    assert tell(asked.answer.pk, reads_words=True) is None
    assert not Trace.objects.exists()


def test_an_answer_that_was_not_moderated_says_so(
    alice: User, answered: Answered, model_server: ModelServer, leave: Document, reader: Client
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    assert listed(asked) == []
    assert "No moderation was asked" in shown(asked, reader)


def replayed(asked: Any, *options: str) -> str:
    out = StringIO()
    with pytest.raises(SystemExit) if "--changed" in options else nullcontext():
        rest = [one for one in options if one != "--changed"]
        call_command("replay", str(asked.answer.pk), *rest, stdout=out)
    return out.getvalue()


def test_making_an_answer_again_says_what_the_moderation_says_now(
    alice: User, answered: Answered, moderated: ModelServer
) -> None:
    asked = answered(alice, QUESTION)
    assert "Moderation, asked again: question: passed; answer: passed" in replayed(asked)
    moderated.moderation = Moderation(words=("parental",))
    said = replayed(asked, "--changed")
    assert "moderation" in said.partition("\n")[2].partition("\n")[0]
    assert "-> question: objected to (violence)" in said


def test_a_search_alone_asks_no_moderation_and_says_so(
    alice: User, answered: Answered, moderated: ModelServer
) -> None:
    asked = answered(alice, QUESTION)
    sent = len(moderated.moderated)
    assert "Moderation: not asked again" in replayed(asked, "--search-only")
    assert len(moderated.moderated) == sent
