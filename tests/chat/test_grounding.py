"""What a model wrote is checked before the answer is called grounded, and shown accordingly."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from chat.models import Message
from chat.services import Asked
from knowledge.models import Document, DocumentVersion
from tests.chat.wire import Frame, parse, text_of
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = {"message": "How many weeks of parental leave may an employee take?"}
TRUE = "Every employee may take up to 52 weeks of parental leave [1]."
FALSE = "Weeks 1 to 20 of parental leave are paid in full [1]."
Ask = Callable[[], list[Frame]]


@pytest.fixture
def ask(alice: User, leave: Document, api: Callable[..., APIClient]) -> Ask:
    def stream() -> list[Frame]:
        return parse(b"".join(api(alice).post("/api/chat/stream/", QUESTION)))

    return stream


def said(body: dict[str, Any]) -> list[tuple[str, str]]:
    text = body["message"]
    return [(text[s["start"] : s["end"]], s["support"]) for s in body["sentences"]]


def test_a_supported_answer_is_grounded_and_quotes_what_carries_it(
    ask: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(text=TRUE)
    body = ask()[-1].data
    assert said(body) == [(TRUE, "supported")]
    assert body["grounded"] is True
    assert body["unsupported"] == []
    [source] = body["sources"]
    assert source["content"].startswith("Every employee may take up to fifty-two weeks")
    version = DocumentVersion.objects.get(
        document_id=source["document_id"], number=source["document_version"]
    )
    assert source["content"] == version.text[source["start"] : source["end"]]


def test_a_false_figure_is_marked_listed_and_explained(ask: Ask, model_server: ModelServer) -> None:
    model_server.script = Script(text=f"{TRUE} {FALSE} It is a fine thing.")
    found = ask()
    body = found[-1].data
    assert [support for _, support in said(body)] == ["supported", "unsupported", "unsupported"]
    assert body["grounded"] is False
    assert [s["why"] for s in body["unsupported"]] == [
        "“20” is not in the cited passage.",
        "No document is cited for this sentence.",
    ]
    assert text_of(found) == body["message"]  # marked, and nothing taken back


def test_a_mark_in_front_of_its_sentence_is_bound_to_what_follows(
    ask: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(text="As source [1] says, leave may be taken in two blocks.")
    [source] = ask()[-1].data["sources"]
    assert source["content"] == "Leave may be taken in one or two blocks."


def test_strict_leaves_out_what_is_not_supported_and_says_so(
    ask: Ask, model_server: ModelServer, settings: Any
) -> None:
    settings.SUPPORT_POLICY = "strict"
    model_server.script = Script(text=f"{FALSE} {TRUE} Nobody said this.", delay=0.01)
    found = ask()
    body = found[-1].data
    assert body["message"].strip() == TRUE
    assert text_of(found) == body["message"]
    assert body["grounded"] is True
    assert body["notice"]["code"] == "left_out"
    assert body["notice"]["detail"].startswith("Left out. 2 sentences were not shown")
    for frame in found:
        assert frame.id <= len(body["message"])
    tokens = [frame for frame in found if frame.event == "token"]
    assert [frame.id for frame in tokens] == sorted(frame.id for frame in tokens)
    assert tokens[-1].id == len(body["message"])


def test_strict_falls_back_to_quotes_where_nothing_is_left(
    ask: Ask, model_server: ModelServer, settings: Any
) -> None:
    settings.SUPPORT_POLICY = "strict"
    model_server.script = Script(text=FALSE)
    body = ask()[-1].data
    assert body["model"] == "extractive"
    assert body["notice"]["detail"].startswith("Quoted, not written. The documents do not support")
    assert "fifty-two weeks" in body["message"]
    assert body["grounded"] is True


class Judge:
    """The server says the answer first, and its verdict on the second request."""

    def __init__(self, server: ModelServer, answer: str, verdict: Script) -> None:
        self.server, self.scripts = server, [Script(text=answer), verdict]
        server._script_of = self._next  # type: ignore[method-assign]

    def _next(self, request: dict[str, Any]) -> Script:
        return self.scripts[min(len(self.server.requests), len(self.scripts)) - 1]


def test_a_judge_decides_what_the_checks_leave_open(
    ask: Ask, model_server: ModelServer, settings: Any
) -> None:
    settings.SUPPORT_JUDGE = True
    text = "A small child at home is a reason for parental leave [1]."
    Judge(model_server, text, Script(text="1: supported"))
    body = ask()[-1].data
    assert len(model_server.requests) == 2
    assert said(body) == [(text, "supported")]
    prompt = model_server.requests[1]["messages"][-1]["content"]
    assert "[1]" not in prompt


@pytest.mark.parametrize("kind", ["broken", "garbage", "silent", "reset"])
def test_a_judge_that_fails_changes_nothing(
    kind: str, ask: Ask, model_server: ModelServer, settings: Any
) -> None:
    text = "A small child at home is a reason for parental leave [1]."
    model_server.script = Script(text=text)
    before = said(ask()[-1].data)
    settings.SUPPORT_JUDGE = True
    model_server.requests.clear()
    Judge(model_server, text, Script(kind=kind))
    body = ask()[-1].data
    assert said(body) == before
    assert body["notice"] is None


def test_a_judge_cannot_turn_a_finding_round(
    ask: Ask, model_server: ModelServer, settings: Any
) -> None:
    settings.SUPPORT_JUDGE = True
    Judge(model_server, FALSE, Script(text="1: supported"))
    assert said(ask()[-1].data) == [(FALSE, "unsupported")]
    assert len(model_server.requests) == 1


def test_documents_that_disagree_are_both_cited_with_their_dates(
    alice: User,
    add_text: Callable[..., Document],
    answered: Callable[..., Asked],
    api: Callable[..., APIClient],
) -> None:
    add_text(
        "Travel guide", "# Travel guide\n\nThe travel desk approves all flights over 800 euros.\n"
    )
    add_text(
        "Travel policy",
        "# Travel policy\n\nAll flights over 900 euros are approved by the travel desk.\n",
    )
    asked = answered(alice, "Which flights does the travel desk approve?")
    body = api(alice).get(f"/api/chat/sessions/{asked.session.pk}/").json()["messages"][-1]
    assert "do not agree on this" in body["message"]
    assert "900 euros [" in body["message"]
    assert "800 euros [" in body["message"]
    assert len({source["document_id"] for source in body["sources"]}) == 2
    last = body["sentences"][-1]
    assert body["message"][last["start"] : last["end"]].startswith("The documents, both of")
    assert sorted(last["numbers"]) == [1, 2]


def test_a_model_that_cites_one_side_alone_is_corrected(
    alice: User,
    add_text: Callable[..., Document],
    answered: Callable[..., Asked],
    model_server: ModelServer,
) -> None:
    add_text(
        "Travel guide", "# Travel guide\n\nThe travel desk approves all flights over 800 euros.\n"
    )
    add_text(
        "Travel policy",
        "# Travel policy\n\nAll flights over 900 euros are approved by the travel desk.\n",
    )
    answer: Message = answered(alice, "Which flights does the travel desk approve?").answer
    assert "do not agree on this" in answer.text
    assert answer.citations.count() == 2
    assert "(version of 2" in model_server.requests[0]["messages"][-1]["content"]


def test_another_reader_sees_no_answer_of_it(
    ask: Ask, charlie: User, model_server: ModelServer, api: Callable[..., APIClient]
) -> None:
    model_server.script = Script(text=TRUE)
    message_id = ask()[-1].data["message_id"]
    assert api(charlie).get(f"/api/chat/messages/{message_id}/stream/").status_code == 404
