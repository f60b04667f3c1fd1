"""A socket lasts no longer than the right to have it: tokens, log-outs, time-outs, heartbeats."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as django_settings
from django.test import Client as Browser
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from chat.consumers import ChatConsumer
from core.sockets import only_from_our_pages
from tests.conftest import PASSWORD
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

Work = Callable[[Any], Awaitable[None]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.sockets.RECHECK_SECONDS", 0.2)


class Socket(ApplicationCommunicator):
    """A socket without a server: what it is told and what it says, one message at a time."""

    def __init__(self, headers: dict[str, str]) -> None:
        listed = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "websocket", "path": "/ws/chat/", "headers": listed}
        super().__init__(only_from_our_pages(ChatConsumer.as_asgi()), scope)

    async def open(self) -> None:
        await self.send_input({"type": "websocket.connect"})
        assert (await self.receive_output(10))["type"] == "websocket.accept"

    async def send_to(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def receive_from(self, seconds: float) -> str:
        return str((await self.receive_output(seconds))["text"])

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(10)


def held(work: Work, **headers: str) -> None:
    """Do something with an open socket, in a loop of its own."""

    async def hold() -> None:
        socket = Socket({"Host": "localhost", **headers})
        await socket.open()
        try:
            await work(socket)
        finally:
            await socket.leave()

    async_to_sync(hold)()


async def enter(socket: Any, token: str) -> None:
    await socket.send_to(json.dumps({"type": "auth", "token": token}))
    await socket.send_to(json.dumps({"type": "ping"}))
    assert json.loads(await socket.receive_from(10)) == {"type": "pong"}


async def end_of(socket: Any, seconds: float = 10) -> tuple[list[str], int]:
    """The codes of the errors that were told, and the closing code."""
    told = []
    while True:
        message = await socket.receive_output(seconds)
        if message["type"] == "websocket.close":
            return told, message["code"]
        frame = json.loads(message["text"])
        if frame["type"] == "error":
            told.append(frame["code"])


def short_token(user: User, seconds: float) -> str:
    """An access token of the user's that has only so long left."""
    token = AccessToken(issue_tokens(user)["access"])
    token.set_exp(lifetime=timedelta(seconds=seconds))
    return str(token)


def test_who_says_nothing_is_closed_after_a_while(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.consumers.AUTH_SECONDS", 0.3)

    async def wait(socket: Any) -> None:
        assert await end_of(socket) == (["not_authenticated"], 4401)

    held(wait)


def test_a_quiet_socket_is_told_a_ping(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.consumers.PING_SECONDS", 0.2)
    token = issue_tokens(alice)["access"]

    async def wait(socket: Any) -> None:
        await enter(socket, token)
        for _ in range(3):
            assert json.loads(await socket.receive_from(5)) == {"type": "ping"}

    held(wait)


def test_a_socket_ends_with_its_token(alice: User) -> None:
    token = short_token(alice, 2)

    async def wait(socket: Any) -> None:
        await enter(socket, token)
        assert await end_of(socket) == (["token_not_valid"], 4401)

    held(wait)


def test_a_fresh_token_keeps_it_open(alice: User) -> None:
    first, second = short_token(alice, 2), issue_tokens(alice)["access"]

    async def wait(socket: Any) -> None:
        await enter(socket, first)
        await enter(socket, second)
        assert await socket.receive_nothing(3, 0.1)
        await enter(socket, second)

    held(wait)


def log_out(user: User, pair: dict[str, str]) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert client.post("/api/users/logout/", {"refresh": pair["refresh"]}).status_code == 204


def change_password(user: User, pair: dict[str, str]) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user)['access']}")
    body = {"old_password": PASSWORD, "new_password": "another long phrase 9"}
    assert client.post("/api/users/change-password/", body).status_code == 204


def deactivate(user: User, pair: dict[str, str]) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def raise_version(user: User, pair: dict[str, str]) -> None:
    User.objects.filter(pk=user.pk).update(token_version=user.token_version + 1)


def delete(user: User, pair: dict[str, str]) -> None:
    user.delete()


@pytest.mark.parametrize("act", [log_out, change_password, deactivate, raise_version, delete])
def test_a_socket_ends_soon_after_the_right_to_it(
    act: Callable[[User, dict[str, str]], None], alice: User
) -> None:
    pair = issue_tokens(alice)

    async def wait(socket: Any) -> None:
        await enter(socket, pair["access"])
        await sync_to_async(act)(alice, pair)
        assert await end_of(socket) == (["token_not_valid"], 4401)

    held(wait)


def test_a_page_that_signs_out_has_no_socket_any_more(alice: User) -> None:
    browser = Browser()
    browser.force_login(alice)
    key = browser.cookies[django_settings.SESSION_COOKIE_NAME].value

    async def wait(socket: Any) -> None:
        await socket.send_to(json.dumps({"type": "ping"}))
        assert json.loads(await socket.receive_from(10)) == {"type": "pong"}
        await sync_to_async(browser.post)("/accounts/logout/")
        assert await end_of(socket) == (["token_not_valid"], 4401)

    held(wait, Cookie=f"{django_settings.SESSION_COOKIE_NAME}={key}", Origin="http://localhost")


def test_a_question_is_refused_at_once_when_the_right_is_gone(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.sockets.RECHECK_SECONDS", 60)
    token = issue_tokens(alice)["access"]

    async def ask(socket: Any) -> None:
        await enter(socket, token)
        await sync_to_async(deactivate)(alice, {})
        await socket.send_to(json.dumps({"type": "message", "message": "x?"}))
        assert await end_of(socket) == (["token_not_valid"], 4401)

    held(ask)


def test_too_many_sockets_that_name_nobody_are_refused(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.sockets.WAITING_AN_ADDRESS", 1)

    async def wait(first: Any) -> None:
        second = Socket({"Host": "localhost"})
        await second.open()
        assert await end_of(second) == (["throttled"], 4429)
        await second.leave()

    held(wait)
