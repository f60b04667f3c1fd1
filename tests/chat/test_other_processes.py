"""An answer that another web process writes: followed, stopped from here, survived when killed."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from rest_framework.test import APIClient

from chat import schedule
from chat.models import Message
from chat.services import regenerate
from chat.waiting import wait_for_answer
from knowledge.models import Document
from tests.chat.wire import Frame, WebProcess, frames, kinds, parse, text_of, web_process
from tests.model_server import ModelServer, Script
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.faults]

SAID = "You may take 52 weeks of leave [1]. The first 18 weeks are paid in full [2]. 🦊 Tell us."
BODY = {"message": "How many weeks of parental leave are paid in full?"}


@pytest.fixture
def elsewhere(tmp_path: Path, leave: Document, model_server: ModelServer) -> Iterator[WebProcess]:
    given = {
        "OPENAI_BASE_URL": model_server.url,
        "OPENAI_API_KEY": "only-for-tests",
        "CHAT_MODEL": "scripted",
    }
    with web_process(tmp_path, **given) as web:
        yield web


class Reader(threading.Thread):
    """Asks in the other process and reads until the line breaks or the answer ends."""

    def __init__(self, web: WebProcess, user: User) -> None:
        super().__init__(daemon=True)
        self.address = f"{web.url}/api/chat/stream/"
        self.headers = {"Authorization": f"Bearer {issue_tokens(user)['access']}"}
        self.found: list[Frame] = []

    def run(self) -> None:
        stream = httpx.stream("POST", self.address, json=BODY, headers=self.headers, timeout=60)
        try:
            with stream as response:
                for frame in frames(response.iter_lines()):
                    self.found.append(frame)
        except httpx.TransportError:
            return

    def wait_for(self, event: str, times: int = 1) -> str:
        """The message's id, once so many of these events have come."""
        for _ in range(3000):
            if sum(frame.event == event for frame in self.found) >= times:
                return str(self.found[0].data["message_id"])
            time.sleep(0.01)
        raise AssertionError(f"no {event} in {kinds(self.found)}")


def pause_outside_transactions(web: WebProcess, message_id: str) -> None:
    """Stop the process at a moment when it holds no lock, and let the message's lease be over.

    A process that is stopped inside a transaction keeps its lock for as long as it sleeps, and
    nobody can write: no test of ours, but SQLite's.
    """
    past = timezone.now() - timedelta(seconds=1)
    wait = (
        "PRAGMA busy_timeout = 200" if connection.vendor == "sqlite" else "SET lock_timeout = 200"
    )
    for _ in range(50):
        web.process.send_signal(signal.SIGSTOP)
        try:
            with lock_wait(wait):
                Message.objects.filter(pk=message_id).update(lease_until=past)
        except OperationalError:
            web.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the process never let go of its lock")


@contextmanager
def lock_wait(statement: str) -> Iterator[None]:
    """Wait for locks only as long as the statement says, until the context ends."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
    try:
        yield
    finally:
        connection.close()  # the next one waits as the settings say


def follow(api: Any, user: User, message_id: str, after: int = 0) -> list[Frame]:
    headers = {"Last-Event-ID": str(after)}
    client: APIClient = api(user)
    address = f"/api/chat/messages/{message_id}/stream/"
    return parse(b"".join(client.get(address, headers=headers)))


def test_a_reader_here_follows_what_is_written_there(
    alice: User, elsewhere: WebProcess, model_server: ModelServer, api: Any
) -> None:
    model_server.script = Script(text=SAID, delay=0.15)
    reader = Reader(elsewhere, alice)
    reader.start()
    message_id = reader.wait_for("token")
    found = follow(api, alice, message_id)
    reader.join(30)
    names = kinds(found)
    assert names[:2] == ["session", "sources"]
    assert names[-1] == "done"
    assert names.count("citation") == 2
    assert names.count("token") >= 3  # it came bit by bit
    assert text_of(found) == text_of(reader.found) == SAID
    assert found[-1].data == reader.found[-1].data


def test_a_reader_who_changes_process_misses_nothing(
    alice: User, elsewhere: WebProcess, model_server: ModelServer, api: Any
) -> None:
    model_server.script = Script(text=SAID, delay=0.15)
    reader = Reader(elsewhere, alice)
    reader.start()
    message_id = reader.wait_for("token", times=4)
    seen = list(reader.found)
    rest = follow(api, alice, message_id, seen[-1].id)
    reader.join(30)
    assert text_of(seen) + text_of(rest) == SAID


def test_stop_from_here_stops_what_is_written_there(
    alice: User, elsewhere: WebProcess, model_server: ModelServer, api: Any
) -> None:
    model_server.script = Script(kind="endless", delay=0.05)
    reader = Reader(elsewhere, alice)
    reader.start()
    message_id = reader.wait_for("token", times=3)
    began = time.monotonic()
    assert api(alice).post(f"/api/chat/messages/{message_id}/stop/").status_code == 202
    reader.join(30)
    assert time.monotonic() - began < 5
    assert reader.found[-1].data["state"] == "stopped"
    assert Message.objects.get(pk=message_id).text == text_of(reader.found)


def test_a_killed_process_leaves_an_interrupted_answer_with_its_text(
    alice: User, elsewhere: WebProcess, model_server: ModelServer, api: Any
) -> None:
    model_server.script = Script(text=SAID, delay=0.3)
    reader = Reader(elsewhere, alice)
    reader.start()
    message_id = reader.wait_for("token", times=4)
    time.sleep(0.8)  # one flush
    elsewhere.kill()
    reader.join(10)
    message = Message.objects.get(pk=message_id)
    assert message.state == "running"
    assert message.text
    assert SAID.startswith(message.text)
    assert schedule.sweep()["interrupted"] == 0  # its lease is believed until it ends
    past = timezone.now() - timedelta(seconds=1)
    Message.objects.filter(pk=message_id).update(lease_until=past)
    assert schedule.sweep()["interrupted"] == 1
    kept = message.text
    message.refresh_from_db()
    assert (message.state, message.text) == ("interrupted", kept)
    found = follow(api, alice, message_id)
    assert found[-1].event == "done"
    assert found[-1].data["state"] == "interrupted"
    again = regenerate(alice, message.pk)
    wait_for_answer(again.answer.pk)
    again.answer.refresh_from_db()
    assert again.answer.state == "done"


def test_a_reader_who_waits_for_a_dead_process_is_told_without_the_sweep(
    alice: User, elsewhere: WebProcess, model_server: ModelServer, api: Any
) -> None:
    model_server.script = Script(text=SAID, delay=0.3)
    reader = Reader(elsewhere, alice)
    reader.start()
    message_id = reader.wait_for("token", times=2)
    elsewhere.kill()
    past = timezone.now() - timedelta(seconds=1)
    Message.objects.filter(pk=message_id).update(lease_until=past)
    found = follow(api, alice, message_id)
    assert found[-1].data["state"] == "interrupted"


def test_a_process_that_lost_its_lease_changes_nothing_any_more(
    alice: User, elsewhere: WebProcess, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.2)
    reader = Reader(elsewhere, alice)
    reader.start()
    message_id = reader.wait_for("token", times=3)
    pause_outside_transactions(elsewhere, message_id)  # beyond its lease
    assert schedule.sweep()["interrupted"] == 1
    before = Message.objects.filter(pk=message_id).values().get()
    elsewhere.process.send_signal(signal.SIGCONT)
    reader.join(30)
    assert reader.found[-1].event == "reconnect"
    assert Message.objects.filter(pk=message_id).values().get() == before


def test_sigterm_sends_readers_away_to_come_back_and_loses_nothing(
    alice: User, elsewhere: WebProcess, model_server: ModelServer, api: Any
) -> None:
    model_server.script = Script(text=SAID, delay=0.2)
    reader = Reader(elsewhere, alice)
    reader.start()
    message_id = reader.wait_for("token", times=3)
    elsewhere.process.terminate()
    reader.join(10)
    assert not reader.is_alive()
    assert reader.found[-1].event == "reconnect"
    elsewhere.process.wait(20)
    Message.objects.filter(pk=message_id, state="running").update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    rest = follow(api, alice, message_id, 0)
    assert rest[-1].event == "done"
    assert SAID.startswith(text_of(rest))
