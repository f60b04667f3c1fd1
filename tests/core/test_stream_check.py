"""What the times of events say of the way that they took; who may read them."""

from itertools import accumulate
from typing import Any

import pytest
from django.test import Client

from core.stream_check import EVENTS, TOKEN_HEADER, judge, make_token
from users.models import User

SENT = [0.25 * n for n in range(EVENTS)]
PAGE, STREAM = "/health/stream/", "/health/stream/events/"
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


def came(*gaps: float) -> list[float]:
    return list(accumulate(gaps, initial=100.0))


@pytest.mark.parametrize(
    ("times", "is_whole", "word"),
    [
        (came(*[0.25] * 11), True, "good"),
        (came(*[0.2, 0.3] * 5, 0.25), True, "good"),  # a busy machine
        (came(*[0.0001] * 11), True, "held"),
        (came(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0), True, "gathered"),
        (came(*[0.25] * 5), False, "cut"),
        ([], False, "empty"),
    ],
)
def test_the_times_are_judged(times: list[float], is_whole: bool, word: str) -> None:
    assert judge(SENT[: len(times)], times, is_whole=is_whole).word == word


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.stream_check.GAP_SECONDS", 0.0)


def read(client: Client, **more: Any) -> tuple[int, bytes]:
    answer = client.get(STREAM, **more)
    return answer.status_code, b"".join(answer) if answer.streaming else answer.content


@pytest.mark.django_db
def test_somebody_on_this_machine_and_staff_read_page_and_stream(
    client: Client, bob: User, quick: None
) -> None:
    status, body = read(client)
    assert status == 200
    assert body.count(b"event: tick\n") == EVENTS
    assert client.get(PAGE).status_code == 200
    client.force_login(bob)
    assert client.get(PAGE, **ELSEWHERE).status_code == 200
    assert read(client, **ELSEWHERE)[0] == 200


@pytest.mark.django_db
def test_a_stranger_from_elsewhere_reads_nothing(client: Client, charlie: User) -> None:
    for _ in range(2):
        assert client.get(PAGE, **ELSEWHERE).status_code == 404
        assert client.get(STREAM, **ELSEWHERE).status_code == 404
        client.force_login(charlie)


@pytest.mark.django_db
def test_who_knows_the_key_reads_the_stream_for_two_minutes(
    client: Client, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make_token()
    assert read(client, headers={TOKEN_HEADER: token}, **ELSEWHERE)[0] == 200
    assert read(client, headers={TOKEN_HEADER: token + "x"}, **ELSEWHERE)[0] == 404
    monkeypatch.setattr("core.stream_check.TOKEN_SECONDS", -1)
    assert read(client, headers={TOKEN_HEADER: token}, **ELSEWHERE)[0] == 404


@pytest.mark.django_db
def test_the_stream_says_that_it_must_not_be_gathered(client: Client, quick: None) -> None:
    answer = client.get(STREAM, {"silence": "x"})
    assert answer["X-Accel-Buffering"] == "no"
    assert answer["Content-Encoding"] == "identity"
    assert "no-transform" in answer["Cache-Control"]
    assert answer["Content-Type"] == "text/event-stream"
    b"".join(answer)


def test_the_command_says_that_nobody_is_there() -> None:
    from django.core.management import CommandError, call_command  # noqa: PLC0415

    with pytest.raises(CommandError, match="did not answer"):
        call_command("check_stream", "http://127.0.0.1:9")
