"""Each state of an answer has its face, and no page grows with what is stored."""

import re

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import ChatSession, Message
from tests.chat.pages.conftest import answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def page_of(sign_in, user, address) -> str:
    answer = sign_in(user).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_answer_with_its_notes_and_colophon(alice, policy, converse, sign_in):
    session = converse(alice, policy)
    page = page_of(sign_in, alice, f"/c/{session.pk}/")
    answer = answer_of(session)
    assert 'id="n1-1"' in page
    assert "<mark>Every employee may take fifty-two weeks of leave.</mark>" in page
    assert f"&amp;from={answer.pk}&amp;n=1#passage" in page
    assert "<strong>1 of 2 sentences</strong> have a source" in page
    assert 'href="#n1-x"' in page
    assert "No document says this." in page
    assert "Kept until" in page


def test_the_confidence_of_an_answer_stands_under_it(alice, policy, converse, sign_in):
    page = page_of(sign_in, alice, f"/c/{converse(alice, policy, confidence='medium').pk}/")
    assert ">search confidence medium<" in page
    absent = converse(alice, outcome="not_found", sentences=[], confidence="low")
    assert "search confidence" not in page_of(sign_in, alice, f"/c/{absent.pk}/")


def test_what_is_remembered_is_reached_from_the_menu_of_a_conversation(alice, converse, sign_in):
    session = converse(alice)
    page = page_of(sign_in, alice, f"/c/{session.pk}/")
    assert 'data-do="memory"' in page
    assert "Clear what is remembered" in page_of(sign_in, alice, f"/c/{session.pk}/memory/")


def test_a_note_that_may_no_longer_be_read_shows_nothing_of_it(alice, policy, converse, sign_in):
    session = converse(alice, policy)
    policy.groups.add(Group.objects.create(name="board"))
    page = page_of(sign_in, alice, f"/c/{session.pk}/")
    assert "You may no longer read this document." in page
    assert "Every employee" not in page
    assert "Leave policy" not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "stopped", "outcome": None}, "Stopped by you."),
        ({"state": "interrupted", "outcome": None}, "The answer was interrupted."),
        ({"state": "failed", "outcome": None}, "The answer did not come."),
        ({"notice": {"code": "model_timeout", "detail": "Quoted, not written. The model."}},
         "<strong>Quoted, not written.</strong> The model."),
        ({"outcome": "not_found", "sentences": []}, "Not in my documents."),
        ({"outcome": "general", "sentences": []}, "Not from the documents."),
    ],
)  # fmt: skip
def test_how_an_answer_ended_is_said(alice, converse, sign_in, fields, words):
    session = converse(alice, **fields)
    assert words in page_of(sign_in, alice, f"/c/{session.pk}/")


def test_what_a_killed_process_left_unchecked_has_no_green_mark(alice, policy, converse, sign_in):
    session = converse(alice, policy, state="interrupted", outcome=None, sentences=[])
    page = page_of(sign_in, alice, f"/c/{session.pk}/")
    assert re.search(r'<a class="mark"[^>]*data-support="open"', page)
    assert "its sources have not been checked to the end" in page
    assert "0.0 s" not in page


def test_not_found_has_three_ways_on_and_no_alarm(alice, policy, converse, sign_in):
    near = {"document_id": policy.pk, "document_version": 1, "title": "Leave policy",
            "url": f"/sources/{policy.pk}/v1/?start=0&end=5", "why": "Covers leave."}  # fmt: skip
    session = converse(alice, outcome="not_found", nearest=[near], sentences=[])
    page = page_of(sign_in, alice, f"/c/{session.pk}/")
    assert "Covers leave." in page
    assert "Ask in other words" in page
    assert "is-care" not in page.partition("<template")[0]
    again = page_of(sign_in, alice, f"/c/{session.pk}/?again={answer_of(session).pk}")
    assert ">How long is the leave?</textarea>" in again


def test_hostile_questions_titles_and_answers_are_text(alice, converse, sign_in):
    session = converse(alice, text="<script>alert(1)</script>", sentences=[])
    session.messages.filter(role="user").update(text="<img src=x onerror=alert(1)>")
    ChatSession.objects.update(title="</title><script>alert(2)</script>")
    for address in (
        f"/c/{session.pk}/",
        "/history/",
        "/search/?search=alert",
        "/search/?search=<b>",
    ):
        page = page_of(sign_in, alice, address)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>" not in page.replace("<b>1 place", "").replace("<b>2 place", "").replace(
            "<b>0 place", ""
        )


def test_no_page_has_inline_script_or_style(alice, policy, converse, sign_in):
    session = converse(alice, policy)
    for address in ("/", f"/c/{session.pk}/", "/history/", "/search/", f"/c/{session.pk}/rename/"):
        page = page_of(sign_in, alice, address)
        assert "style=" not in page
        assert "<style" not in page
        assert "<script>" not in page
        assert "onclick" not in page


def test_the_empty_page_names_what_is_there(sign_in, bob, policy):
    page = page_of(sign_in, None, "/")
    assert "1 document that you may read" in page
    assert "Entitlement" in page
    assert "Add documents" not in page


def test_without_documents_staff_are_shown_where_to_add_them(sign_in, bob, alice):
    assert "Add documents" in page_of(sign_in, bob, "/")
    assert "Add documents" not in page_of(sign_in, alice, "/")
    assert "No documents yet" in page_of(sign_in, None, "/")


def test_what_groups_may_read_alone_is_not_suggested_to_others(add_text, sign_in, alice):
    add_text("Board minutes", "# Minutes\n\n## Who resigns?\n\nNobody.", groups=("board",))
    assert "Who resigns?" not in page_of(sign_in, alice, "/")
    alice.groups.add(Group.objects.get(name="board"))
    assert "Who resigns?" in page_of(sign_in, alice, "/")


def queries(client, address) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_pages_cost_the_same_queries_with_three_and_with_many_rows(
    alice, policy, converse, sign_in
):
    client = sign_in(alice)
    session = converse(alice, policy, turns=3)
    few = converse(alice)
    addresses = ["/", "/history/", "/search/?search=leave", f"/c/{session.pk}/"]
    client.get("/")
    before = [queries(client, address) for address in addresses]
    for _ in range(90):
        converse(alice)
    long = converse(alice, policy, turns=100)
    after = [queries(client, address) for address in [*addresses[:3], f"/c/{long.pk}/"]]
    assert after == before
    assert max(after) <= 20
    assert few.pk


def test_search_does_not_show_what_an_answer_quotes(alice, converse, sign_in):
    converse(alice)
    page = page_of(sign_in, alice, "/search/?search=phased+return+fifty-two")
    assert "0 places" in page
    assert "fifty-two weeks" not in page


def test_search_survives_odd_queries(alice, converse, sign_in):
    converse(alice)
    for query in ("%", "_", "'", '"', "\\", "%00", "x" * 1000, "ẞ", "[1]", "+", "leave&page=99"):
        assert sign_in(alice).get(f"/search/?search={query}").status_code == 200


def test_a_running_answer_shows_what_is_there_already(alice, converse, sign_in):
    session = converse(alice, state="running", outcome=None, text="So far <b>this</b>")
    page = page_of(sign_in, alice, f"/c/{session.pk}/")
    assert "So far &lt;b&gt;this&lt;/b&gt;" in page
    message = Message.objects.get(role="assistant")
    assert f'data-stream="/api/chat/messages/{message.pk}/stream/"' in page
