"""A body over its limit is 413 with a code at every door that speaks JSON, whoever serves it."""

from collections.abc import Callable

import httpx
import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.chat.wire import served
from users.models import User
from users.tokens import issue_tokens

pytestmark = pytest.mark.django_db(transaction=True)
TOO_LARGE = {"detail": "This is too large.", "code": "too_large"}
DOORS = [
    "/api/chat/send/",
    "/api/chat/stream/",
    "/api/chat/sessions/",
    "/api/chat/messages/00000000-0000-0000-0000-000000000000/edit/",
    "/api/chat/messages/00000000-0000-0000-0000-000000000000/regenerate/",
    "/api/users/login/",
    "/api/knowledge/search/",
]


@pytest.mark.parametrize("address", DOORS)
def test_without_an_asgi_server(address: str, alice: User, api: Callable[..., APIClient]) -> None:
    response = api(alice).post(address, {"message": "x" * 1024 * 1024}, format="json")
    assert response.status_code == 413
    assert response["Content-Type"] == "application/json"
    assert response.json() == TOO_LARGE


def test_a_page_that_asks_by_script_is_told_so_too(db: None) -> None:
    body = {"message": "x" * 1024 * 1024}
    response = Client().post("/ask/", body, headers={"Accept": "application/json"})
    assert (response.status_code, response.json()) == (413, TOO_LARGE)


def test_behind_uvicorn_with_and_without_a_length(alice: User) -> None:
    headers = {
        "Authorization": f"Bearer {issue_tokens(alice)['access']}",
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
    }
    with served() as url, httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        for address in DOORS:
            whole = client.post(address, content=b"x" * 1024 * 1025)
            assert (whole.status_code, whole.json()) == (413, TOO_LARGE)
        pieces = client.post("/api/chat/stream/", content=(b"x" * 65536 for _ in range(40)))
        assert (pieces.status_code, pieces.json()) == (413, TOO_LARGE)
