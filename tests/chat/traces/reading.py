"""What tests of traces ask for, and how they read what was kept."""

import json
import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from chat.reassembly import Prompt
from chat.retelling import Told, tell
from chat.services import Asked
from tests.model_server import Script
from users.models import User

QUESTION = "How many weeks of parental leave may an employee take?"
TRUE = "Every employee may take up to 52 weeks of parental leave [1]."
UNSURE = "A small child at home is a reason for parental leave [1]."
FALSE = "Leave may be taken in 7 blocks [1]."
MENDED = "Leave may be taken in one or two blocks [1]."
REWRITES, NAMES, SUMMARISES = "You rewrite", "You name a conversation", "You summarise"
CORRECTS, JUDGES = "You correct one sentence", "You compare sentences"
WEB = "tests.chat.site_functions:search_the_web"
Answered = Callable[..., Asked]


def told(asked: Asked) -> Told:
    found = tell(asked.answer.pk, reads_words=True)
    assert found is not None
    return found


def prompts(asked: Asked, count: int) -> tuple[Prompt, ...]:
    """The requests, once there are so many: some follow the answer."""
    until = time.monotonic() + 20
    while len(found := told(asked).prompts) < count and time.monotonic() < until:
        time.sleep(0.05)
    assert {one.stored["call"] for one in found} == {one["id"] for one in told(asked).calls}
    return found


def messages_of(prompt: Prompt) -> list[dict[str, Any]]:
    return [part.message.as_dict() for part in prompt.parts]


def assert_as_sent(asked: Asked, received: list[dict[str, Any]]) -> tuple[Prompt, ...]:
    """Each request of the answer is, letter by letter, one that the server received.

    Requests that go out at once may arrive in another order.
    """
    found = prompts(asked, len(received))
    told_of = sorted(json.dumps(messages_of(one)) for one in found)
    assert told_of == sorted(json.dumps(one["messages"]) for one in received)
    assert all(one.is_sent for one in found)
    assert not any(one.reasons for one in found)
    return found


def calls(*made: tuple[str, dict[str, Any]], **more: Any) -> Script:
    return Script("calls", calls=tuple((name, json.dumps(given)) for name, given in made), **more)


def trace_rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM chat_trace")
        return repr(cursor.fetchall())


def shown(asked: Asked, reader: Client) -> str:
    """All that staff can read of the trace."""
    address = f"/admin/chat/message/{asked.answer.pk}/trace"
    page, file = reader.get(f"{address}/"), reader.get(f"{address}.json")
    assert (page.status_code, file.status_code) == (200, 200)
    return page.content.decode() + file.content.decode()


def allowed(user: User, *names: str) -> Client:
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client
