"""Asking, rating, renaming and deleting with plain forms, and the same by script."""

import pytest
from django.contrib.sessions.models import Session

from chat.models import ChatSession, Feedback, Message
from tests.chat.pages.conftest import answer_of
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
SCRIPT = {"headers": {"accept": "application/json"}}


def test_a_first_question_makes_a_visitor_and_leads_to_its_turn(sign_in):
    client = sign_in()
    answer = client.post("/ask/", {"message": "How long is the leave?", "key": "k1"})
    message = Message.objects.get(role="assistant")
    assert answer.status_code == 302
    assert answer["Location"] == f"/c/{message.session_id}/#m-{message.pk}"
    assert message.session.user.is_visitor
    page = client.get(f"/c/{message.session_id}/").content.decode()
    again = f"/c/{message.session_id}/?look=1#m-{message.pk}"
    assert f'<noscript><meta http-equiv="refresh" content="2; url={again}"></noscript>' in page
    assert f'id="m-{message.pk}"' in page
    assert 'aria-busy="true"' in page


def test_by_script_it_is_accepted_with_the_token_that_holds_from_now_on(sign_in):
    client = sign_in(enforce_csrf_checks=True)
    client.get("/")
    before = client.cookies["csrftoken"].value
    asked = client.post(
        "/ask/",
        {"message": "How long?", "key": "k"},
        headers={"accept": "application/json", "x-csrftoken": before},
    )
    assert asked.status_code == 202
    body = asked.json()
    assert set(body) == {"session_id", "message_id", "csrf"}
    after = client.cookies["csrftoken"].value
    assert after != before
    again = client.post(
        "/ask/",
        {"message": "And then?", "key": "k", "chat_session_id": body["session_id"]},
        headers={"accept": "application/json", "x-csrftoken": after},
    )
    assert again.status_code == 202


def test_the_same_page_sent_twice_asks_once_and_another_text_asks_anew(alice, sign_in):
    client = sign_in(alice)
    first = client.post("/ask/", {"message": "How long?", "key": "k1"})
    second = client.post("/ask/", {"message": "How long?", "key": "k1"})
    assert first["Location"] == second["Location"]
    assert Message.objects.filter(role="assistant").count() == 1
    client.post("/ask/", {"message": "How much?", "key": "k1"})
    assert Message.objects.filter(role="assistant").count() == 2


@pytest.mark.parametrize(
    ("message", "sentence"),
    [("", "Write a question first."), (" \n ", "Write a question first."), ("x" * 5001, "5,001")],
)
def test_a_question_that_cannot_be_asked_comes_back_with_its_words(sign_in, message, sentence):
    client = sign_in()
    page = client.post("/ask/", {"message": message, "key": "k"})
    assert page.status_code == 400
    assert sentence in page.content.decode()
    assert message.strip()[:50] in page.content.decode()
    by_script = client.post("/ask/", {"message": message, "key": "k"}, **SCRIPT)
    assert by_script.status_code == 400
    assert sentence in by_script.json()["message"][0]
    assert not User.objects.exists()
    assert not Session.objects.exists()


def test_control_characters_alone_are_no_question_and_make_nobody(sign_in):
    client = sign_in()
    assert client.post("/ask/", {"message": "\x01\x02 \x7f", "key": "k"}).status_code == 400
    assert not User.objects.exists()
    assert not Session.objects.exists()


def test_retry_by_form_counts_against_the_limit_of_the_address(sign_in, settings):
    settings.RATES = {**settings.RATES, "chat_anonymous": "2/day"}
    first, second = sign_in(), sign_in()
    first.post("/ask/", {"message": "One?"})
    second.post("/ask/", {"message": "Two?"})
    answer = Message.objects.filter(role="assistant").order_by("created_at").first()
    Message.objects.filter(role="assistant").update(state="done")
    address = f"/c/{answer.session_id}/retry/"
    assert first.post(address, {"message_id": answer.pk}).status_code == 429


def test_line_breaks_of_a_form_count_once(alice, sign_in):
    text = "a\r\n" * 2500
    assert sign_in(alice).post("/ask/", {"message": text}).status_code == 302


def test_an_unknown_conversation_is_404_and_makes_nobody(sign_in):
    wrong = {"message": "x", "chat_session_id": "not-a-uuid"}
    assert sign_in().post("/ask/", wrong).status_code == 404
    assert not User.objects.exists()


def test_too_many_questions_keep_the_text_and_say_when(alice, converse, sign_in, settings):
    session = converse(alice)
    settings.RATES = {**settings.RATES, "chat_user": "1/hour"}
    client = sign_in(alice)
    client.post("/ask/", {"message": "One?"})
    page = client.post("/ask/", {"message": "Two?", "chat_session_id": session.pk})
    assert page.status_code == 429
    assert int(page["Retry-After"]) > 0
    body = page.content.decode()
    assert "A short pause." in body
    assert ">Two?</textarea>" in body
    by_script = client.post("/ask/", {"message": "Two?"}, **SCRIPT)
    assert (by_script.status_code, by_script.json()["code"]) == (429, "throttled")


def test_a_form_that_is_too_old_keeps_the_question(sign_in):
    client = sign_in(enforce_csrf_checks=True)
    page = client.post("/ask/", {"message": "What about <b>my</b> leave?"})
    assert page.status_code == 403
    assert "What about &lt;b&gt;my&lt;/b&gt; leave?</textarea>" in page.content.decode()
    assert client.post("/ask/", {"message": "x"}, **SCRIPT).json()["code"] == "permission_denied"


def test_thumbs_and_reasons_by_form(alice, converse, sign_in):
    session = converse(alice)
    answer = answer_of(session)
    client = sign_in(alice)
    down = client.post(f"/m/{answer.pk}/feedback/", {"rating": "-1"})
    assert down["Location"] == f"/c/{session.pk}/?reason={answer.pk}#m-{answer.pk}"
    assert "What was wrong?" in client.get(down["Location"]).content.decode()
    why = {"rating": "-1", "reason": ["It misses the point"], "comment": "Weeks, not pay"}
    assert client.post(f"/m/{answer.pk}/feedback/", why).status_code == 302
    assert Feedback.objects.get().comment == "It misses the point. Weeks, not pay"
    assert client.post(f"/m/{answer.pk}/feedback/", {"rating": "5"}).status_code == 400
    page = client.get(f"/c/{session.pk}/").content.decode()
    assert 'value="-1" aria-pressed="true"' in page


def test_rename_delete_and_undo_by_form_and_by_script(alice, converse, sign_in):
    session = converse(alice)
    client = sign_in(alice)
    client.post(f"/c/{session.pk}/rename/", {"title": "Weeks <of> leave"})
    assert "Weeks &lt;of&gt; leave" in client.get(f"/c/{session.pk}/").content.decode()
    assert client.post(f"/c/{session.pk}/rename/", {"title": " "}).status_code == 400
    wrong = client.post(f"/c/{session.pk}/rename/", {"title": ""}, **SCRIPT)
    assert wrong.json() == {"title": ["A name needs a letter."]}
    gone = client.post(f"/c/{session.pk}/delete/")
    page = client.get(gone["Location"]).content.decode()
    assert f"/c/{session.pk}/restore/" in page
    client.post(f"/c/{session.pk}/restore/")
    assert ChatSession.objects.get().is_active
    assert client.post(f"/c/{session.pk}/delete/", **SCRIPT).json()["title"] == "Weeks <of> leave"
    assert client.post(f"/c/{session.pk}/restore/", **SCRIPT).status_code == 200


def test_stop_by_form_stops_what_runs(alice, converse, sign_in):
    session = converse(alice, state="running", outcome=None)
    stopped = sign_in(alice).post(f"/c/{session.pk}/stop/")
    assert stopped.status_code == 302
    assert answer_of(session).stop_requested


def test_asking_by_get_goes_to_the_empty_page(sign_in):
    assert sign_in().get("/ask/")["Location"] == "/"
