"""A seal tells whether a request is, letter by letter, the one that was sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.generation.prompts import Message as PromptMessage
from chat.generation.toolcalls import ToolCall
from chat.models import Message, Trace
from chat.outgoing import seal
from chat.tracing import storable
from knowledge.models import Document
from tests.chat.traces.reading import (
    QUESTION,
    TRUE,
    Answered,
    calls,
    told,
)
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("answer", "chat.generation.prompts.fenced"),
        ("judge", "chat.generation.support.judging.as_data"),
        ("reword", "chat.generation.support.rewording.as_words"),
    ],
)
@pytest.mark.usefixtures("leave", "strict")
def test_another_way_to_put_requests_together_breaks_the_seal(
    kind: str, name: str, alice: User, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answered(alice, QUESTION)
    assert all(one.is_sent for one in told(asked).prompts)
    monkeypatch.setattr(name, lambda *words: "in another way")
    changed = [one for one in told(asked).prompts if one.stored["kind"] == kind]
    assert changed
    assert not any(one.is_sent for one in changed)
    assert all("put together has changed" in one.reasons[0] for one in changed)


def test_changed_words_break_the_seal_of_the_message_that_has_them(
    alice: User, leave: Document, answered: Answered, tools: ModelServer
) -> None:
    tools.first = [calls(("calculate", {"expression": "18 + 21"}))]
    tools.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    trace = Trace.objects.get()
    [key] = [key for key, words in trace.kept.items() if words == "18 + 21 = 39"]
    trace.kept[key] = "18 + 21 = 40"
    trace.save()
    first, second = told(asked).prompts
    assert first.is_sent
    assert [part.is_sent for part in second.parts] == [True, True, True, False]
    Message.objects.filter(pk=asked.question.pk).update(text="Something else?")
    first, second = told(asked).prompts
    assert [part.is_sent for part in first.parts] == [True, False]
    assert len(first.reasons) == 1


words = st.text(max_size=30)
tool_calls = st.builds(ToolCall, words, words, st.text(min_size=1, max_size=30))
sealed = st.builds(
    PromptMessage,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    words,
    st.lists(tool_calls, max_size=2).map(tuple),
    words,
)


@given(one=sealed, other=sealed)
def test_two_messages_have_one_seal_only_where_they_are_the_same(
    one: PromptMessage, other: PromptMessage
) -> None:
    assert (seal(one) == seal(other)) == (one == other)


@given(one=sealed, at=st.integers(0, 29))
def test_a_seal_breaks_with_any_character(one: PromptMessage, at: int) -> None:
    if at < len(one.content):
        less = one.content[:at] + one.content[at + 1 :]
        other = PromptMessage(one.role, less, one.calls, one.answers)
        assert (seal(one) == seal(other)) == (one == other)


def test_words_that_no_row_takes_are_left_out_and_break_the_seal(
    alice: User, leave: Document, answered: Answered, tools: ModelServer
) -> None:
    tools.first = [Script("calls", calls=(("calculate", '{"expression": "1 +\x00 1"}'),))]
    tools.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    first, second = told(asked).prompts
    assert first.is_sent
    assert [part.is_sent for part in second.parts][:3] == [True, True, False]
    assert storable({"a": ["x\x00\ud800y"]}) == {"a": ["xy"]}
