"""What a model thinks is not what it answers."""

import pytest

from chat.generation.modelconfig import ModelFailed
from chat.generation.tokens import Measure, Thoughts


def heard(*tokens: str) -> str:
    thoughts = Thoughts()
    return "".join(thoughts.feed(token) for token in tokens) + thoughts.rest()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_thought_before_the_answer_is_left_out_however_it_is_cut(size: int) -> None:
    said = "\n<think>Is it 52? " + "Hm. " * 50 + "</think>\n\nIt is 52 [1]. <think>really</think>"
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    assert heard(*pieces).strip() == "It is 52 [1]. <think>really</think>"


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("said", ["It is 52 [1].", "<th> is a tag", "<", "", "a <think>b</think>"])
def test_an_answer_without_a_thought_stays_as_it_is(said: str, size: int) -> None:
    assert heard(*[said[at : at + size] for at in range(0, len(said), size)]) == said


def test_a_thought_without_an_end_is_no_answer() -> None:
    assert heard("<think>", "I wonder ", "and wonder") == ""


def test_an_answer_may_be_somewhat_longer_than_the_estimate() -> None:
    measure = Measure(700)
    measure.add("word " * 700)
    assert measure


@pytest.mark.parametrize("piece", ["again and again ", "また", "x"])
def test_an_answer_without_an_end_is_ended(piece: str) -> None:
    measure = Measure(700)
    for _ in range(4500 // len(piece)):
        try:
            measure.add(piece)
        except ModelFailed:
            return
    pytest.fail("it went on")
