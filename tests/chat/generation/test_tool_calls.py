"""Calls are put together from whatever a server streams, and arguments held against a schema."""

import json
import time
from datetime import date
from typing import Any, Literal

import pytest

from chat.generation.toolcalls import LONGEST_ARGUMENTS, MOST_CALLS, CallAssembler
from chat.generation.tools import days
from chat.generation.tools.calculation import BadCalculation, calculate
from chat.generation.tools.schema import BadArguments, BadFunction, function_of


def piece(index: int | None = None, own_id: str = "", name: str = "", said: Any = "") -> Any:
    return {"index": index, "id": own_id, "function": {"name": name, "arguments": said}}


def assembled(*pieces: Any) -> list[tuple[str, str]]:
    assembler = CallAssembler()
    for one in pieces:
        assembler.feed([one])
    return [(call.name, call.arguments) for call in assembler.calls]


def test_pieces_of_two_calls_that_come_in_turns_are_kept_apart() -> None:
    found = assembled(
        piece(0, "a", "one"), piece(1, "b", "two"), piece(0, said='{"x"'), piece(1, said="{}"),
        piece(0, said=": 1}"),
    )  # fmt: skip
    assert found == [("one", '{"x": 1}'), ("two", "{}")]


def test_calls_without_ids_and_indices_are_told_apart_by_their_names() -> None:
    assert assembled(piece(name="one", said="{}"), piece(name="one", said='{"x": 2}')) == [
        ("one", "{}"),
        ("one", '{"x": 2}'),
    ]


def test_arguments_that_come_as_an_object_are_read() -> None:
    assert assembled(piece(0, "a", "one", {"x": "ü"})) == [("one", '{"x": "ü"}')]


def test_of_two_hundred_calls_a_few_are_taken_and_long_arguments_are_cut() -> None:
    assembler = CallAssembler()
    for number in range(200):
        assembler.feed([piece(number, f"id{number}", "one", "x" * 9000)])
    assert len(assembler.calls) == MOST_CALLS
    assert assembler.dropped == 200 - MOST_CALLS
    assert {len(call.arguments) for call in assembler.calls} == {LONGEST_ARGUMENTS}


@pytest.mark.parametrize(
    "garbage", [None, 7, "x", {}, [None], [7], [{"function": 3}], [{"index": "x", "id": 9}]]
)
def test_garbage_is_no_call_that_breaks_anything(garbage: Any) -> None:
    assembler = CallAssembler()
    assembler.feed(garbage)
    assert all(isinstance(call.name, str) for call in assembler.calls)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", "= 0.3"),
        ("17% of 2340", "= 397.8"),
        ("(1,250.50 − 250.50) × 3", "= 3000"),
        ("2 ^ 10", "= 1024"),
        ("10 / 4", "= 2.5"),
        ("1 / 3", "is about 0.333333333333"),
        ("sqrt(2)", "is about 1.41421356237"),
        ("sqrt(144) + 7 // 2 + 7 % 4", "= 18"),
        ("round(2.675, 2)", "= 2.68"),
        ("round(-2.5)", "= -3"),
        ("max(3, 1.5) - min([4, 2])", "= 1"),
        ("sum(1, 2, 3) / 3", "= 2"),
        ("2 ** -2", "= 0.25"),
        ("9 ** 0.5", "= 3"),
        ("120 + 15%", "= 120.15"),
        ("1e3 * 2", "= 2000"),
    ],
)
def test_calculations_are_exact(expression: str, value: str) -> None:
    assert calculate(expression) == f"{expression} {value}"


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9",
        "9**999999999",
        "(2**4000)**4000",
        "10**4000 * 10**4000",
        "1e999999999",
        "1/0",
        "0 ** -1",
        "7 % 0",
        "sqrt(-1)",
        "2 ** 0.3",
        "__import__('os')",
        "(1).__class__",
        "'a' * 9",
        "True + 1",
        "1 if 1 else 2",
        "[x for x in (1, 2)]",
        "lambda: 1",
        "f(1)",
        "round(1, 99999999999)",
        "1 +",
        "",
        "(" * 400 + "1" + ")" * 99,
        "1+" * 249 + "1",
        "-" * 400 + "1",
        "x" * 501,
        "1 << 9999",
    ],
)
def test_what_is_no_arithmetic_or_too_much_is_refused_at_once(expression: str) -> None:
    began = time.perf_counter()
    with pytest.raises(BadCalculation):
        calculate(expression)
    assert time.perf_counter() - began < 0.5


def test_days_are_reckoned_as_a_calendar_has_them() -> None:
    assert days.added(date(2027, 1, 31), months=1) == date(2027, 2, 28)
    assert days.added(date(2028, 2, 29), years=1) == date(2029, 2, 28)
    assert days.added(date(2027, 3, 1), weeks=-10) == date(2026, 12, 21)
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    assert days.working_days_added(friday, 1) == monday
    assert days.working_days_added(date(2026, 11, 21), 5) == date(2026, 11, 27)
    assert days.working_days_added(monday, -1) == friday
    assert days.working_days_added(friday, 10) == date(2026, 12, 4)
    assert days.working_days(friday, monday) == 1
    assert "10 days; 1 weeks and 3 days; 0 months and 10 days" in days.between(
        date(2026, 12, 4), date(2026, 11, 24)
    )
    with pytest.raises(days.BadDate):
        days.added(date(9999, 12, 31), days=1)
    with pytest.raises(days.BadDate):
        days.added(date(2027, 1, 1), years=10**9)
    with pytest.raises(days.BadDate):
        days.read("1 March", date(2027, 1, 1))


def look(words: str, kind: Literal["faq", "policy"] = "faq", most: int = 5) -> str:
    """Look something up.

    More that no model is told.

    Args:
        words: what to look
            for.
        most: how many.
    """
    return f"{words} {kind} {most}"


def test_a_schema_comes_from_hints_and_docstring() -> None:
    spec = function_of(look).spec
    assert (spec.name, spec.description) == ("look", "Look something up.")
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "words": {"type": "string", "description": "what to look for."},
            "kind": {"type": "string", "enum": ["faq", "policy"], "default": "faq"},
            "most": {"type": "integer", "description": "how many.", "default": 5},
        },
        "required": ["words"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("not json", "no JSON object"),
        ("[1]", "no JSON object"),
        ("[" * 3000, "no JSON object"),
        ("{}", "Missing: words."),
        ('{"words": "a", "foo": 1}', "Unknown: foo."),
        ('{"words": 3}', "words must be a text"),
        (json.dumps({"words": "a" * 2001}), "words must be a text"),
        ('{"words": "a", "kind": "manual"}', "kind must be one of: faq, policy."),
        ('{"words": "a", "most": 1.5}', "most must be a whole number"),
        ('{"words": "a", "most": true}', "most must be a whole number"),
        ('{"words": "a", "most": NaN}', "most must be a whole number"),
        ('{"words": "a", "most": 1e400}', "most must be a whole number"),
    ],
)
def test_arguments_that_do_not_fit_are_told_in_words(said: str, told: str) -> None:
    with pytest.raises(BadArguments, match=told):
        function_of(look).arguments(said)


def test_arguments_are_taken_as_models_write_them() -> None:
    taken = function_of(look).arguments('{"words": "a\\u0000b", "most": "3", "kind": null}')
    assert taken == {"words": "ab", "most": 3}


def test_a_callable_that_cannot_be_offered_says_all_that_is_wrong() -> None:
    def bad(one, *two: int, three: dict[str, int]) -> None:  # type: ignore[no-untyped-def]
        pass

    with pytest.raises(BadFunction) as caught:
        function_of(bad)
    said = " ".join(caught.value.problems)
    assert "needs a docstring" in said
    assert "no type hint for one" in said
    assert "takes *two" in said
    assert "a type for three that cannot be offered" in said
