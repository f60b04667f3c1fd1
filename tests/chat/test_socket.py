"""The chat over a WebSocket: a real uvicorn, a real client."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.test import Client as Browser
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chat.models import ChatSession, Message
from chat.services import choose
from chat.waiting import wait_for_answer
from core.limits import FRAME_MAX_BYTES
from knowledge.models import Document
from tests.chat.wire import served, web_process
from tests.model_server import ModelServer, Script
from tests.prepared import give_prepared_model
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

SAID = "You may take 52 weeks [1]. Full pay [2]. 🦊 Tell us."
QUESTION = {
    "type": "message",
    "message": "How many weeks of parental leave are paid in full?",
}
Frames = list[dict[str, Any]]
Open = Callable[..., AbstractContextManager[ClientConnection]]


@pytest.fixture
def url(leave: Document) -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def opened(url: str) -> Open:
    """``opened(user)``: a socket whose first frame named the user; None sends none."""

    @contextmanager
    def open_one(user: User | None = None, **headers: str) -> Iterator[ClientConnection]:
        address = f"{url.replace('http', 'ws')}/ws/chat/"
        with connect(address, additional_headers=headers, proxy=None) as socket:
            if user is not None:
                say(socket, {"type": "auth", "token": issue_tokens(user)["access"]})
            yield socket

    return open_one


def say(socket: ClientConnection, frame: dict[str, Any]) -> None:
    socket.send(json.dumps(frame))


def hear(socket: ClientConnection, seconds: float = 30) -> dict[str, Any]:
    return dict(json.loads(socket.recv(timeout=seconds)))


def until(socket: ClientConnection, *kinds: str, most: int | None = None) -> Frames:
    """Frames up to one of these kinds, or so many of them; pings are left out."""
    found: Frames = []
    while not found or (found[-1]["type"] not in kinds and len(found) != most):
        frame = hear(socket)
        if frame["type"] != "ping":
            found.append(frame)
    return found


def text_of(found: Frames) -> str:
    return "".join(frame["text"] for frame in found if frame["type"] == "token")


def closing_code(socket: ClientConnection) -> tuple[Frames, int | None]:
    """What still comes, and the code with which the server closes."""
    found: Frames = []
    while True:
        try:
            found.append(hear(socket))
        except ConnectionClosed:
            return found, socket.close_code


def test_a_question_over_a_socket_is_answered_with_the_events_of_the_stream(
    alice: User, opened: Open, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.02)
    with opened(alice) as socket:
        say(socket, QUESTION)
        found = until(socket, "done", "error")
    names = [frame["type"] for frame in found if frame["type"] not in {"step", "token"}]
    assert names == ["session", "sources", "citation", "citation", "done"]
    assert set(found[0]) == {"type", "id", "session_id", "message_id"}
    assert {frame["message_id"] for frame in found} == {found[0]["message_id"]}
    assert text_of(found) == SAID == found[-1]["message"]
    assert found[-1]["state"] == "done"
    assert [f["id"] for f in found] == sorted(f["id"] for f in found)
    stored = Message.objects.get(pk=found[0]["message_id"])
    assert stored.session.user_id == alice.pk
    assert stored.text == SAID


def test_one_socket_carries_a_whole_conversation(alice: User, opened: Open) -> None:
    with opened(alice) as socket:
        say(socket, QUESTION)
        first = until(socket, "done")
        session = first[0]["session_id"]
        say(socket, {**QUESTION, "chat_session_id": session})
        second = until(socket, "done")
        say(socket, {"type": "regenerate", "message_id": second[0]["message_id"]})
        third = until(socket, "done")
        edited = {"type": "edit", "message_id": third[0]["message_id"], "message": "When?"}
        say(socket, edited)
        fourth = until(socket, "done")
    assert {one[0]["session_id"] for one in (first, second, third, fourth)} == {session}
    assert Message.objects.filter(role="assistant").count() == 4
    choose(alice, second[0]["message_id"])


def test_a_socket_that_is_cut_at_every_event_resumes_without_a_gap(
    alice: User, opened: Open, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.03)
    for cut in count(1):
        with opened(alice) as socket:
            say(socket, QUESTION)
            first = until(socket, "done", most=cut)
        message_id = first[0]["message_id"]
        with opened(alice) as socket:
            join = {"type": "join", "message_id": message_id, "last_event_id": first[-1]["id"]}
            say(socket, join)
            rest = until(socket, "done")
        assert rest[0]["type"] == "session"
        assert text_of(first) + text_of(rest) == SAID == rest[-1]["message"]
        assert [one["type"] for one in rest].count("done") == 1
        cited = [one["number"] for one in [*first, *rest] if one["type"] == "citation"]
        assert set(cited) == {1, 2}
        if first[-1]["type"] == "done":
            break


def test_the_answer_goes_on_when_the_socket_closes(
    alice: User, opened: Open, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.05)
    with opened(alice) as socket:
        say(socket, QUESTION)
        message_id = until(socket, "sources")[0]["message_id"]
    wait_for_answer(message_id)
    assert Message.objects.get(pk=message_id).text == SAID


def test_stop_without_an_id_stops_what_runs_on_this_socket(
    alice: User, opened: Open, model_server: ModelServer
) -> None:
    model_server.script = Script(kind="endless", delay=0.02)
    with opened(alice) as socket:
        say(socket, QUESTION)
        found = until(socket, "token")
        began = time.monotonic()
        say(socket, {"type": "stop"})
        found += until(socket, "done")
    assert time.monotonic() - began < 5
    assert found[-1]["state"] == "stopped"
    assert Message.objects.get(pk=found[0]["message_id"]).text == text_of(found)


def test_what_another_socket_asked_is_stopped_by_its_id_alone(
    alice: User, opened: Open, model_server: ModelServer
) -> None:
    model_server.script = Script(kind="endless", delay=0.02)
    with opened(alice) as one, opened(alice) as other:
        say(one, QUESTION)
        message_id = until(one, "token")[0]["message_id"]
        say(other, {"type": "stop"})
        say(other, {"type": "ping"})
        assert hear(other) == {"type": "pong"}
        assert Message.objects.get(pk=message_id).state == "running"
        say(other, {"type": "stop", "message_id": message_id})
        assert until(one, "done")[-1]["state"] == "stopped"


def test_a_key_asks_once(alice: User, opened: Open) -> None:
    asked = {**QUESTION, "idempotency_key": "k1"}
    with opened(alice) as socket:
        say(socket, asked)
        first = until(socket, "done")
        say(socket, asked)
        again = until(socket, "done")
        say(socket, {**asked, "message": "Other?"})
        refused = until(socket, "error")
    assert first[0]["message_id"] == again[0]["message_id"]
    assert text_of(first) == text_of(again)
    assert refused[-1]["code"] == "conflict"
    assert Message.objects.filter(role="assistant").count() == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "message"}, "invalid"),
        ({"type": "message", "message": "  "}, "invalid"),
        ({"type": "message", "message": "x" * 5001}, "invalid"),
        ({"type": "message", "message": ["x"]}, "invalid"),
        ({"type": "message", "message": "x?", "top_k": "many"}, "invalid"),
        ({"type": "message", "message": "x?", "model": "none-such"}, "invalid"),
        ({"type": "message", "message": "x?", "idempotency_key": 7}, "invalid"),
        ({"type": "message", "message": "x?", "chat_session_id": str(uuid4())}, "not_found"),
        ({"type": "message", "message": "x?", "chat_session_id": "7"}, "invalid"),
        ({"type": "join"}, "invalid"),
        ({"type": "join", "message_id": "x"}, "invalid"),
        ({"type": "join", "message_id": str(uuid4())}, "not_found"),
        ({"type": "join", "message_id": str(uuid4()), "last_event_id": -1}, "invalid"),
        ({"type": "join", "message_id": str(uuid4()), "last_event_id": True}, "invalid"),
        ({"type": "stop", "message_id": str(uuid4())}, "not_found"),
        ({"type": "regenerate", "message_id": str(uuid4())}, "not_found"),
        ({"type": "edit", "message_id": str(uuid4()), "message": "x?"}, "not_found"),
        ({"type": "dance"}, "invalid"),
        ({"type": 7}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_a_frame_that_is_wrong_is_told_and_forgiven(
    frame: Any, code: str, alice: User, opened: Open
) -> None:
    with opened(alice) as socket:
        say(socket, frame)
        told = hear(socket)
        assert (told["type"], told["code"]) == ("error", code)
        assert told["detail"]
        say(socket, {"type": "ping"})
        assert hear(socket) == {"type": "pong"}
    assert not Message.objects.exists()


@pytest.mark.parametrize("raw", ["", "{", "[]", "7", "null", "[" * 50_000, b"\xff\x00", b"{}"])
def test_what_is_no_frame_at_all_is_told_and_forgiven(raw: Any, alice: User, opened: Open) -> None:
    with opened(alice) as socket:
        socket.send(raw)
        assert hear(socket)["code"] == "invalid"
        say(socket, {"type": "ping"})
        assert hear(socket) == {"type": "pong"}


def test_a_frame_that_is_too_long_closes_the_socket(alice: User, opened: Open) -> None:
    with opened(alice) as socket:
        socket.send(json.dumps({**QUESTION, "message": "x" * FRAME_MAX_BYTES}))
        found, code = closing_code(socket)
    assert code == 1009
    assert found[-1]["code"] == "too_large"


def test_frames_without_end_close_the_socket(alice: User, opened: Open) -> None:
    with opened(alice) as socket:
        for _ in range(100):
            say(socket, {"type": "ping"})
        found, code = closing_code(socket)
    assert code == 4429
    assert found[-1]["code"] == "throttled"
    assert len(found) < 100


def test_the_limits_are_those_of_the_other_doors(
    alice: User, opened: Open, settings: Any, api: Any
) -> None:
    settings.RATES = {**settings.RATES, "chat_user": "2/day"}
    assert api(alice).post("/api/chat/send/", {"message": "x?"}).status_code == 200
    with opened(alice) as socket:
        say(socket, QUESTION)
        until(socket, "done")
        say(socket, QUESTION)
        told = until(socket, "error")[-1]
    assert told["code"] == "throttled"
    assert told["retry_after"] > 0


# --- Whose socket it is -----------------------------------------------------------------------


def test_the_first_frame_is_a_token(alice: User, opened: Open) -> None:
    for frame, wanted in (
        (QUESTION, "not_authenticated"),
        ({"type": "auth"}, "token_not_valid"),
        ({"type": "auth", "token": "forged"}, "token_not_valid"),
        ({"type": "auth", "token": issue_tokens(alice)["refresh"]}, "token_not_valid"),
    ):
        with opened() as socket:
            say(socket, frame)
            found, code = closing_code(socket)
        assert code == 4401
        assert [one["code"] for one in found] == [wanted]
    assert not ChatSession.objects.exists()


def test_a_stranger_reaches_nothing_of_anybody_elses(
    alice: User, charlie: User, opened: Open, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.2)
    with opened(alice) as hers, opened(charlie) as his:
        say(hers, QUESTION)
        ids = until(hers, "sources")[0]
        for frame in (
            {"type": "join", "message_id": ids["message_id"]},
            {"type": "stop", "message_id": ids["message_id"]},
            {"type": "regenerate", "message_id": ids["message_id"]},
            {"type": "edit", "message_id": ids["message_id"], "message": "x?"},
            {**QUESTION, "chat_session_id": ids["session_id"]},
        ):
            say(his, frame)
            assert hear(his)["code"] == "not_found"
        assert until(hers, "done")[-1]["state"] == "done"
    assert Message.objects.filter(role="assistant").count() == 1


def test_nobody_elses_token_takes_a_socket_over(alice: User, charlie: User, opened: Open) -> None:
    with opened(alice) as socket:
        say(socket, {"type": "auth", "token": issue_tokens(charlie)["access"]})
        assert hear(socket)["code"] == "permission_denied"
        say(socket, {"type": "auth", "token": issue_tokens(alice)["access"]})
        say(socket, QUESTION)
        found = until(socket, "done")
    assert Message.objects.get(pk=found[0]["message_id"]).session.user_id == alice.pk


def cookie_of(user: User) -> str:
    browser = Browser()
    browser.force_login(user)
    return f"{django_settings.SESSION_COOKIE_NAME}={browser.cookies['sessionid'].value}"


def test_a_page_of_ours_needs_no_token(alice: User, opened: Open, url: str) -> None:
    with opened(Cookie=cookie_of(alice), Origin=url) as socket:
        say(socket, QUESTION)
        found = until(socket, "done")
    assert Message.objects.get(pk=found[0]["message_id"]).session.user_id == alice.pk


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://["]
)
def test_a_page_of_another_site_opens_no_socket(origin: str, alice: User, opened: Open) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(alice, Cookie=cookie_of(alice), Origin=origin).__enter__()
    assert refused.value.response.status_code == 403


def test_a_listed_site_opens_one_with_a_token_and_not_with_the_cookie(
    alice: User, charlie: User, opened: Open, settings: Any
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    with opened(Cookie=cookie_of(alice), Origin="https://app.example") as socket:
        say(socket, QUESTION)
        assert closing_code(socket)[1] == 4401
    with opened(charlie, Cookie=cookie_of(alice), Origin="https://app.example") as socket:
        say(socket, QUESTION)
        found = until(socket, "done")
    assert Message.objects.get(pk=found[0]["message_id"]).session.user_id == charlie.pk


def test_an_address_that_is_none_is_refused(url: str) -> None:
    for path in ("/ws/", "/ws/chat", "/api/chat/send/"):
        with pytest.raises(InvalidStatus) as refused:
            connect(url.replace("http", "ws") + path, proxy=None)
        assert refused.value.response.status_code == 403


def test_a_host_that_is_not_ours_is_refused(url: str) -> None:
    with pytest.raises(InvalidStatus):
        connect(
            url.replace("http", "ws") + "/ws/chat/",
            additional_headers={"Host": "evil.example"},
            proxy=None,
        )


def test_one_person_has_a_limited_number_of_sockets(
    alice: User, charlie: User, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.sockets.SOCKETS_A_PERSON", 2)
    with opened(alice) as one, opened(alice) as two:
        for socket in (one, two):
            say(socket, {"type": "ping"})
            assert hear(socket) == {"type": "pong"}
        with opened(alice) as three:
            found, code = closing_code(three)
        assert (code, found[-1]["code"]) == (4429, "throttled")
        with opened(charlie) as socket:
            say(socket, {"type": "ping"})
            assert hear(socket) == {"type": "pong"}
    time.sleep(0.3)
    with opened(alice) as socket:
        say(socket, {"type": "ping"})
        assert hear(socket) == {"type": "pong"}


# --- Slow readers and the server's end ----------------------------------------------------------


def test_a_reader_who_does_not_read_delays_nobody_and_is_dropped(
    alice: User,
    charlie: User,
    opened: Open,
    model_server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chat.consumers.SEND_SECONDS", 1.0)
    model_server.script = Script(text="word " * 200_000)
    with opened(alice) as lazy, opened(charlie) as eager:
        say(lazy, QUESTION)
        time.sleep(3)
        model_server.script = Script(text=SAID)
        began = time.monotonic()
        say(eager, QUESTION)
        assert text_of(until(eager, "done")) == SAID
        assert time.monotonic() - began < 20
        lazy.socket.close()
    message = Message.objects.filter(session__user=alice, role="assistant").get()
    wait_for_answer(message.pk)


@pytest.mark.faults
def test_a_server_that_goes_says_so_and_the_answer_is_joined_elsewhere(
    alice: User, leave: Document, tmp_path: Path, model_server: ModelServer, url: str
) -> None:
    model_server.script = Script(text=SAID, delay=0.3)
    given = {
        "OPENAI_BASE_URL": model_server.url,
        "OPENAI_API_KEY": "only-for-tests",
        "CHAT_MODEL": "scripted",
    }
    token = issue_tokens(alice)["access"]
    give_prepared_model(tmp_path)
    with web_process(tmp_path, **given) as web:
        with connect(f"{web.url.replace('http', 'ws')}/ws/chat/", proxy=None) as socket:
            say(socket, {"type": "auth", "token": token})
            say(socket, QUESTION)
            found = until(socket, "token")
            threading.Timer(0.1, web.process.terminate).start()
            rest, code = closing_code(socket)
        assert code == 1012
        assert "reconnect" in [frame["type"] for frame in rest]
        found += rest
        with connect(f"{url.replace('http', 'ws')}/ws/chat/", proxy=None) as socket:
            say(socket, {"type": "auth", "token": token})
            after = max(frame.get("id", 0) for frame in found)
            ids = found[0]["message_id"]
            say(socket, {"type": "join", "message_id": ids, "last_event_id": after})
            found += until(socket, "done")
    assert text_of(found) == Message.objects.get(pk=ids).text
    assert SAID.startswith(text_of(found))
