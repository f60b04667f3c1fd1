"""What may not be read any more is not shown by an answer in the making, to whoever joins it."""

import time
from collections.abc import Iterator

import httpx
import pytest
from django.contrib.auth.models import Group

from knowledge.models import Document
from tests.chat.test_resuming import client, join
from tests.chat.wire import frames, text_of
from tests.model_server import ModelServer, Script

__all__ = ["client"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = "How many weeks of parental leave may an employee take?"
NEEDLE = "fifty-two weeks"


def restrict(document: Document) -> None:
    document.groups.add(Group.objects.get_or_create(name="hr")[0])


@pytest.fixture
def slow(client: httpx.Client, model_server: ModelServer) -> Iterator[httpx.Client]:
    tokens = ("Take ", "52 ", "[1]", ". ", *["more "] * 60, "and [2]", ". ", "End.")
    model_server.script = Script(tokens=tokens, delay=0.06)
    return client


def test_who_joins_after_a_restriction_gets_neither_candidates_nor_quotes(
    slow: httpx.Client, leave: Document, travel: Document
) -> None:
    with slow.stream("POST", "/api/chat/stream/", json={"message": QUESTION}) as response:
        for frame in frames(response.iter_lines()):
            if frame.event == "session":
                message_id = frame.data["message_id"]
            if frame.event == "citation":
                break
    restrict(leave)
    found = join(slow, message_id, 0)
    shown = [f for f in found if f.event in {"sources", "citation"}]
    assert shown[0].event == "sources"
    assert leave.pk not in [s["document_id"] for s in shown[0].data["sources"]]
    cited = [f.data["source"] for f in shown if f.event == "citation"]
    assert cited
    for source in cited:
        if source["document_id"] == leave.pk:
            assert (source["gone"], source["content"]) == ("restricted", None)
            assert (source["title"], source["heading"], source["url"]) == ("", "", "")
    assert NEEDLE not in repr(shown)
    assert text_of(found).endswith("End.")


def test_a_footnote_that_is_first_set_after_the_restriction_comes_without_its_words(
    slow: httpx.Client, leave: Document
) -> None:
    with slow.stream("POST", "/api/chat/stream/", json={"message": QUESTION}) as response:
        found = []
        for frame in frames(response.iter_lines()):
            found.append(frame)
            if frame.event == "citation" and frame.data["number"] == 1:
                restrict(leave)
                began = time.monotonic()
    assert time.monotonic() - began > 2.5
    second = next(f for f in found if f.event == "citation" and f.data["number"] == 2)
    assert second.data["source"]["gone"] == "restricted"
    assert second.data["source"]["content"] is None
