"""A process that is killed while a model writes holds no money for long."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from chat import schedule
from chat.models import ModelCall, Spending
from knowledge.models import Document
from tests.chat.test_other_processes import Reader
from tests.chat.wire import web_process
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.faults]


def test_what_a_process_held_when_it_was_killed_is_freed(
    tmp_path: Path, alice: User, leave: Document, model_server: ModelServer
) -> None:
    model_server.script = Script(text="word " * 500, delay=0.2)
    given = {
        "OPENAI_BASE_URL": model_server.url,
        "OPENAI_API_KEY": "only-for-tests",
        "CHAT_MODEL": "scripted",
        "MODEL_PRICE_IN": "2",
        "MODEL_PRICE_OUT": "8",
    }
    with web_process(tmp_path, **given) as web:
        reader = Reader(web, alice)
        reader.start()
        reader.wait_for("token", times=3)
        held = Spending.objects.get(scope="all")
        assert held.reserved_nano > held.spent_nano == 0
        web.kill()
    assert schedule.sweep()["released"] == 0  # its time is not over yet
    past = timezone.now() - timedelta(seconds=1)
    assert ModelCall.objects.filter(outcome="running").update(lease_until=past) == 1
    assert schedule.sweep()["released"] == 1
    freed = Spending.objects.get(scope="all")
    assert freed.reserved_nano == 0
    assert 0 < freed.spent_nano < held.reserved_nano
    call = ModelCall.objects.get()
    assert (call.outcome, call.tokens_out) == ("lost", 0)
