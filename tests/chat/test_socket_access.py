"""Who reads what over a socket: the rows of tests/access_rows.py, for every socket there is."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as django_settings

from chat.models import ChatSession, Message
from core.sockets import with_sockets
from tests.access_rows import ROLES, SOCKETS
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


async def no_pages(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("no page was asked for")


def first_word(address: str, frames: list[dict[str, Any]]) -> str:
    """The code of the error that a socket answers these frames with; empty for an event."""

    async def talk() -> dict[str, Any]:
        scope = {"type": "websocket", "path": f"/{address}", "headers": [(b"host", b"localhost")]}
        socket = ApplicationCommunicator(with_sockets(no_pages), scope)
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output(10))["type"] == "websocket.accept"
        for frame in frames:
            await socket.send_input({"type": "websocket.receive", "text": json.dumps(frame)})
        said = json.loads((await socket.receive_output(30))["text"])
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(10)
        return dict(said)

    said = async_to_sync(talk)()
    return str(said["code"]) if said["type"] == "error" else ""


def test_every_socket_has_a_row() -> None:
    assert set(SOCKETS) == set(django_settings.SOCKETS)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reads_what_the_row_says(
    role: str,
    alice: User,
    bob: User,
    charlie: User,
    visitor: User,
) -> None:
    session = ChatSession.objects.create(user=alice)
    question = Message.objects.create(session=session, ordinal=0, role="user", text="Where?")
    answer = Message.objects.create(
        session=session, ordinal=1, role="assistant", question=question, text="There."
    )
    gone = User.objects.create_user("gone@example.org", "a long enough phrase 7")
    person = dict(zip(ROLES, (None, visitor, alice, charlie, bob, gone), strict=True))[role]
    frames: list[dict[str, Any]] = [{"type": "join", "message_id": str(answer.pk)}]
    if person is not None:
        frames.insert(0, {"type": "auth", "token": issue_tokens(person)["access"]})
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for address, row in SOCKETS.items():
        assert first_word(address, frames) == row[ROLES.index(role)]
