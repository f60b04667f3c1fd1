"""A stream that is cut at any byte is resumed whole: no character missing, none twice, one end."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rest_framework.test import APIClient

from chat.models import Message
from chat.waiting import wait_for_answer
from knowledge.models import Document
from tests.chat.wire import Frame, parse, served, text_of, web_process
from tests.model_server import ModelServer, Script
from tests.prepared import give_prepared_model
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

SAID = "You may take 52 weeks [1]. Ça suffit. Full pay [2]. 🦊 Tell us."
BODY = {"message": "How many weeks of parental leave are paid in full?"}


@pytest.fixture
def client(alice: User, leave: Document) -> Iterator[httpx.Client]:
    token = issue_tokens(alice)["access"]
    headers = {"Authorization": f"Bearer {token}"}
    with served() as url, httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        yield client


def join(client: httpx.Client, message_id: str, last_id: int) -> list[Frame]:
    address = f"/api/chat/messages/{message_id}/stream/"
    response = client.get(address, headers={"Last-Event-ID": str(last_id)})
    assert response.status_code == 200
    return parse(response.content)


def whole_events(received: bytes) -> list[Frame]:
    """What a browser has of a cut stream: events that ended with their empty line."""
    whole, _, _ = received.rpartition(b"\n\n")
    return parse(whole + b"\n\n") if whole else []


def cuts_within(event: bytes) -> dict[str, int]:
    """One place of every kind at which an event's bytes can be cut."""
    data = event.index(b"data: ")
    cuts = {
        "before it": 0,
        "in the name of the first field": 1,
        "in the id": event.index(b": ") + 2,
        "between two fields": event.index(b"\n") + 1,
        "in the event's name": event.index(b"event: ") + 9,
        "before the data": data,
        "in the data": (data + len(event)) // 2,
        "behind the data": len(event) - 2,
        "in the empty line": len(event) - 1,
        "behind it": len(event),
    }
    wide = next((at for at, byte in enumerate(event) if byte >= 0xC0), None)
    if wide is not None:
        cuts["in a character"] = wide + 1
    return cuts


def check(first: list[Frame], rest: list[Frame], text: str = SAID) -> None:
    assert [frame.event for frame in rest[:1]] == ["session"]
    assert text_of(first) + text_of(rest) == text
    assert [frame.event for frame in rest].count("done") == 1
    assert rest[-1].event == "done"
    assert rest[-1].data["message"] == text
    cited = {f.data["number"]: f.data["source"] for f in [*first, *rest] if f.event == "citation"}
    assert sorted(cited) == [1, 2]
    assert [source["number"] for source in rest[-1].data["sources"]] == [1, 2]
    assert [frame.id for frame in rest] == sorted(frame.id for frame in rest)


def test_a_stream_cut_in_the_middle_of_any_event_is_resumed_whole(
    client: httpx.Client, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.03)
    raw = client.post("/api/chat/stream/", json=BODY).content
    events = [event + b"\n\n" for event in raw.split(b"\n\n") if event.startswith(b"id: ")]
    message_id = parse(raw)[0].data["message_id"]
    kinds, at = set(), 0
    for event in events:
        for kind, place in cuts_within(event).items():
            first = whole_events(raw[: raw.index(event, at) + place])
            if first and first[-1].event == "done":
                continue
            kinds.add(kind)
            check(first, join(client, message_id, first[-1].id if first else 0))
        at = raw.index(event, at)
    assert len(kinds) == 11


def test_an_answer_is_joined_at_every_character_while_it_is_written_and_after(
    client: httpx.Client, model_server: ModelServer
) -> None:
    model_server.script = Script(text=SAID, delay=0.12)
    found: dict[int, list[Frame]] = {}
    with client.stream("POST", "/api/chat/stream/", json=BODY) as response:
        lines = response.iter_lines()
        message_id = next(
            json.loads(line[6:])["message_id"] for line in lines if line.startswith("data: ")
        )

        def read(after: int) -> None:
            found[after] = join(client, message_id, after)

        readers = [threading.Thread(target=read, args=(at,)) for at in range(0, len(SAID) + 1, 3)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(60)
    assert len(found) == len(readers)
    for after, rest in found.items():
        assert text_of(rest) == SAID[after:]
    for after in range(len(SAID) + 2):
        rest = join(client, message_id, after)
        assert text_of(rest) == SAID[after:]
        marks = {number for number in (1, 2) if SAID.index(f"[{number}]") >= after}
        assert {f.data["number"] for f in rest if f.event == "citation"} >= marks
        assert rest[-1].data["message"] == SAID


@pytest.mark.parametrize("given", ["-1", "x", "1e9", "9" * 30, "", "1.5", "٣"])
def test_an_id_that_is_none_begins_at_the_beginning(
    given: str, alice: User, leave: Document, api: Callable[..., APIClient]
) -> None:
    client = api(alice)
    body = client.post("/api/chat/send/", BODY).json()
    address = f"/api/chat/messages/{body['message_id']}/stream/?after={given}"
    assert text_of(parse(b"".join(client.get(address)))) == body["message"]


@pytest.mark.faults
def test_an_answer_that_another_process_writes_is_joined_here_after_every_event(
    alice: User,
    leave: Document,
    model_server: ModelServer,
    tmp_path: Path,
    client: httpx.Client,
) -> None:
    model_server.script = Script(text=SAID, delay=0.15)
    given = {
        "OPENAI_BASE_URL": model_server.url,
        "OPENAI_API_KEY": "only-for-tests",
        "CHAT_MODEL": "scripted",
    }
    seen: list[tuple[list[Frame], list[Frame]]] = []
    readers: list[threading.Thread] = []

    def read(first: list[Frame]) -> None:
        seen.append((first, join(client, first[0].data["message_id"], first[-1].id)))

    give_prepared_model(tmp_path)
    with web_process(tmp_path, **given) as web:
        headers: Any = dict(client.headers)
        address = f"{web.url}/api/chat/stream/"
        received = b""
        known = 0
        with httpx.stream("POST", address, json=BODY, headers=headers, timeout=60) as response:
            for piece in response.iter_raw():
                received += piece
                first = whole_events(received)
                if len(first) > known and first[-1].event != "done":
                    known = len(first)
                    readers.append(threading.Thread(target=read, args=(first,)))
                    readers[-1].start()
        for reader in readers:
            reader.join(60)
    wait_for_answer(first[0].data["message_id"])
    assert Message.objects.get(pk=first[0].data["message_id"]).text == SAID
    assert len(seen) == len(readers) >= 8
    for first, rest in seen:
        check(first, rest)
