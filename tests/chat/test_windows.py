"""No request is longer than its model's window: what does not fit is cut, or not asked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.generation import prompts
from chat.generation.context import Frame, Turn, estimate_tokens, fit
from chat.generation.sentences import Sentence
from chat.generation.support import judging
from chat.generation.support.checking import Checked
from chat.models import Message, ModelCall, TokenRate
from chat.services import Asked
from knowledge.models import Document
from tests.chat.generation.test_quoting import passage
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

RULES = prompts.system()
SIGNS = "x=1;{}[]()<>!!--** "
Ask = Callable[..., Asked]
List = Callable[..., None]
words = st.text(st.sampled_from("leave 7.|年é\n[]{}"), max_size=600)


def drawn_out(times: int) -> str:
    """The question in so many more words."""
    said = " and takes weeks of parental leave as an employee" * times
    return f"How many weeks of parental leave may an employee take who works here{said}?"


def size(messages: Any) -> int:
    return sum(estimate_tokens(message.content) for message in messages)


def test_signs_and_figures_count_as_tokens_of_their_own() -> None:
    # A common tokeniser makes 4,056 tokens of this line, repeated; letters alone would be 890.
    assert estimate_tokens(SIGNS * 150) >= 15 * 150
    assert estimate_tokens("| 12 | 3,456.78 |") >= 13
    assert estimate_tokens("The leave of a parent lasts a year") <= 12


def test_what_a_provider_counts_of_prose_makes_no_less_of_signs_and_of_chinese() -> None:
    frame = Frame(ratio=0.6)
    assert frame.count("leave of a parent " * 20) < estimate_tokens("leave of a parent " * 20)
    assert frame.count("年" * 90) == 90
    assert frame.count("12345;") == 6
    assert Frame(ratio=1.5).count("年" * 90) == 135


@given(st.lists(words, min_size=1, max_size=9), words, words, st.integers(2000, 9000))
def test_whatever_is_asked_of_whatever_documents_the_request_fits(
    texts: list[str], question: str, answer: str, window: int
) -> None:
    passages = [passage(text, document_id=n) for n, text in enumerate(texts)]
    frame = Frame(summary=answer[:200], language="English")
    fixed = f"{RULES}\n{question}\n{prompts.wishes(frame)}\n{frame.summary}"
    context = fit(passages, [Turn(question, answer)] * 9, fixed=fixed, window=window, frame=frame)
    assert size(prompts.build(question, context)) + 700 <= window


def test_a_passage_that_does_not_fit_is_cut_at_a_blank_and_still_says_where_it_stands() -> None:
    whole = passage("Leave lasts 52 weeks. " * 400)
    context = fit([whole], [], fixed=RULES, window=2000)
    [shown] = context.passages
    assert 500 < len(shown.text) < 2000
    assert shown.text.endswith(("Leave", "lasts", "52", "weeks."))
    assert whole.text.startswith(shown.text)
    assert (shown.start, shown.end) == (whole.start, whole.start + len(shown.text))


def test_a_judge_is_asked_about_as_many_sentences_as_fit() -> None:
    long = passage("The leave of a parent lasts a year. " * 100)
    one = Checked(Sentence(0, 9, (1,), "unknown"), "A sentence.", passages=(long,), is_open=True)
    for room, most in ((1300, 1), (3600, 3), (100_000, judging.MOST)):
        places = judging.open_of([one] * 20, room)
        assert len(places) == most
        assert size(judging.messages([one] * len(places))) <= room
    assert judging.open_of([one], 200) == []


@pytest.fixture
def listed(model_server: ModelServer, settings: Any, tmp_path: Path) -> List:
    """``listed(small=2000, large=8000)``: models with these windows, in this order."""

    def write(**windows: int) -> None:
        common = {"base_url": model_server.url, "retries": 0}
        entries = [{"name": name, "window": size, **common} for name, size in windows.items()]
        (tmp_path / "models.json").write_text(json.dumps(entries))
        settings.MODELS_FILE = str(tmp_path / "models.json")
        model_server.script = Script(text="You may take 52 weeks [1].")

    return write


@pytest.mark.engine
def test_a_question_that_is_too_long_for_the_model_is_quoted_and_the_reader_is_told(
    alice: User, leave: Document, answered: Ask, model_server: ModelServer, settings: Any
) -> None:
    settings.CHAT_CONTEXT_TOKENS = 2000
    message = answered(alice, drawn_out(95)).answer
    assert (message.outcome, message.model) == ("answered", "extractive")
    assert message.notice["code"] == "too_large"
    assert "too long for the writing model" in message.notice["detail"]
    assert not [one for one in model_server.requests if one["max_tokens"] == 700]
    assert not ModelCall.objects.filter(purpose="answer").exists()


def test_the_next_model_with_a_larger_window_takes_a_long_question(
    alice: User, leave: Document, answered: Ask, model_server: ModelServer, listed: List
) -> None:
    listed(small=2000, large=8000)
    message = answered(alice, drawn_out(95)).answer
    assert message.model == "large"
    assert message.notice["detail"].startswith("Written by large.")
    assert {one["model"] for one in model_server.requests if one["max_tokens"] == 700} == {"large"}


def test_each_model_of_a_chain_is_counted_by_its_own_tokeniser(
    alice: User, leave: Document, answered: Ask, model_server: ModelServer, listed: List
) -> None:
    listed(**{"script:broken": 2000, "second": 2000})
    TokenRate.objects.create(model="script:broken", ratio=0.5)
    TokenRate.objects.create(model="second", ratio=1.6)
    assert answered(alice, drawn_out(3)).answer.model == "second"
    first, second = (one for one in model_server.requests if one["max_tokens"] == 700)
    used = sum(estimate_tokens(one["content"]) for one in second["messages"])
    assert used * 1.6 + 700 <= 2000
    assert len(str(first["messages"])) > len(str(second["messages"]))


def test_general_knowledge_is_asked_for_within_the_window_too(
    alice: User, leave: Document, answered: Ask, model_server: ModelServer, settings: Any
) -> None:
    settings.WHEN_NOT_FOUND = "general"
    settings.CHAT_CONTEXT_TOKENS, settings.MODEL_ANSWER_TOKENS = 4000, 3000
    model_server.script = Script(text="Saturn has rings of ice. " * 60)
    session = None
    for moon in ("Titan", "Rhea", "Dione", "Tethys"):
        asked = answered(alice, f"Which colour has the moon {moon} of Saturn?", session_id=session)
        session = asked.session.pk
    answers = Message.objects.filter(role="assistant", outcome="general", model="scripted")
    assert answers.count() == 4
    for request in model_server.requests:
        used = sum(estimate_tokens(str(one["content"])) for one in request["messages"])
        assert used + request["max_tokens"] <= 4000
