"""A reader who leaves and comes back misses nothing and gets nothing twice (real uvicorn)."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import httpx
import pytest

from chat.models import Message
from chat.waiting import wait_for_answer
from knowledge.models import Document
from tests.chat.wire import Frame, frames, served, text_of
from tests.model_server import ModelServer, Script
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

SAID = "You may take 52 weeks [1]. Full pay [2]. 🦊 Tell us."


@pytest.fixture
def client(alice: User, leave: Document) -> Iterator[httpx.Client]:
    token = issue_tokens(alice)["access"]
    headers = {"Authorization": f"Bearer {token}"}
    with served() as url, httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        yield client


def read(response: httpx.Response, limit: int | None = None) -> list[Frame]:
    """The first frames of a stream; leaving the block then cuts the connection."""
    found: list[Frame] = []
    for frame in frames(response.iter_lines()):
        found.append(frame)
        if limit is not None and len(found) >= limit:
            break
    return found


def ask(client: httpx.Client, limit: int | None = None) -> list[Frame]:
    body = {"message": "How long is parental leave?"}
    with client.stream("POST", "/api/chat/stream/", json=body) as response:
        assert response.status_code == 200, response.read()
        return read(response, limit)


def join(
    client: httpx.Client, message_id: str, after: int, limit: int | None = None
) -> list[Frame]:
    headers = {"Last-Event-ID": str(after)}
    address = f"/api/chat/messages/{message_id}/stream/"
    with client.stream("GET", address, headers=headers) as response:
        assert response.status_code == 200
        return read(response, limit)


def test_a_connection_cut_at_every_event_resumes_without_a_gap(
    client: httpx.Client, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.03)
    for cut in count(1):
        first = ask(client, cut)
        message_id = first[0].data["message_id"]
        rest = join(client, message_id, first[-1].id)
        stored = Message.objects.get(pk=message_id).text
        assert text_of(first) + text_of(rest) == stored == SAID
        assert rest[-1].event == "done"
        cited = [f.data["number"] for f in [*first, *rest] if f.event == "citation"]
        assert sorted(set(cited)) == [1, 2]
        if first[-1].event == "done":
            break


def test_a_reader_may_leave_many_times(client: httpx.Client, model_server: ModelServer) -> None:
    model_server.script = Script(text=SAID, delay=0.03)
    found = ask(client, 3)
    message_id = found[0].data["message_id"]
    while found[-1].event != "done":
        found += join(client, message_id, found[-1].id, 4)
    assert text_of(found) == SAID


def test_the_answer_goes_on_when_its_reader_closes_the_tab(
    client: httpx.Client, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.03)
    first = ask(client, 3)
    wait_for_answer(first[0].data["message_id"])
    stored = Message.objects.get(pk=first[0].data["message_id"])
    assert stored.text == SAID
    assert stored.state == "done"
    assert model_server.aborted == 0


def test_two_readers_see_the_same_answer(client: httpx.Client, model_server: ModelServer) -> None:
    model_server.script = Script(text=SAID, delay=0.03)
    first = ask(client, 2)
    message_id = first[0].data["message_id"]
    seen: list[list[Frame]] = []
    readers = [
        threading.Thread(target=lambda: seen.append(join(client, message_id, 0))) for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(20)
    assert [text_of(found) for found in seen] == [SAID] * 3


def test_stop_takes_effect_within_a_second_and_keeps_what_was_said(
    client: httpx.Client, model_server: ModelServer
) -> None:
    model_server.script = Script(kind="endless", delay=0.02)
    first = ask(client, 6)
    message_id = first[0].data["message_id"]
    began = time.monotonic()
    assert client.post(f"/api/chat/messages/{message_id}/stop/").status_code == 202
    rest = join(client, message_id, first[-1].id)
    assert time.monotonic() - began < 5
    assert rest[-1].event == "done"
    assert rest[-1].data["state"] == "stopped"
    assert rest[-1].data["outcome"] is None
    stored = Message.objects.get(pk=message_id)
    assert stored.state == "stopped"
    assert stored.text == text_of(first) + text_of(rest) == rest[-1].data["message"]
    for _ in range(100):  # the provider is told too: it would bill on
        if model_server.aborted:
            break
        time.sleep(0.02)
    assert model_server.aborted == 1


def test_an_answer_that_waits_for_its_model_holds_no_thread_of_the_web_server(
    client: httpx.Client, model_server: ModelServer, api: Callable[..., object]
) -> None:
    model_server.script = Script(text=SAID, first_delay=1.0)
    first = ask(client, 2)
    began = time.monotonic()
    assert client.get("/api/chat/models/").status_code == 200
    assert time.monotonic() - began < 1.0
    rest = join(client, first[0].data["message_id"], 0)
    assert text_of(rest) == SAID
