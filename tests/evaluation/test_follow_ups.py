"""Follow-ups of public sets: read, completed, and held against a person's rewriting."""

import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from evaluation.files.values import PublicQuestion
from evaluation.public.conversations import half_of, turns_of
from evaluation.public.rewriting import f1, follow_ups, table
from evaluation.public.variants import variants

SAID = [
    {"role": "user", "text": "Who founded the company?"},
    {"role": "assistant", "text": "Ada Byron founded it in 1998."},
]


def line(number: int, question: str, rewrite: str, *, needs: bool = True) -> dict[str, Any]:
    return {
        "id": str(number),
        "conversation": f"c{number}",
        "title": "Ada Byron",
        "history": SAID,
        "question": question,
        "rewrite": rewrite,
        "needs_rewrite": needs,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [line(n, "When did she leave?", "When did Ada Byron leave?") for n in range(6)]
    lines.append(
        line(7, "How is travel to Rome booked?", "How is travel to Rome booked?", needs=False)
    )
    lines.append({**line(8, "First?", "First?"), "history": []})
    with gzip.open(tmp_path / "questions.jsonl.gz", "wt") as file:
        file.write("\n".join(json.dumps(one) for one in lines))
    return tmp_path


def test_a_turn_that_was_answered_cites_the_page_that_the_set_names(folder: Path) -> None:
    found = follow_ups(folder)
    assert len(found) == 7
    assert found[0].turns[0].titles == ("Ada Byron",)
    open_turn = turns_of({"history": SAID[:1], "title": "Ada Byron"})
    assert open_turn[0].titles == ()


def test_the_report_counts_what_was_brought_in_and_what_was_left_alone(folder: Path) -> None:
    told = table({"small": follow_ups(folder)})
    assert "1.000 [1.000, 1.000]" in told
    assert "1 of 1" in told
    out = StringIO()
    call_command("evaluate", follow_ups=[folder], stdout=out)
    assert "1 of 1" in out.getvalue()
    assert "held out" in out.getvalue()


def test_a_folder_without_questions_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"questions\.jsonl"):
        call_command("evaluate", follow_ups=[tmp_path])


def test_a_conversation_lies_in_one_half_always() -> None:
    assert {half_of(f"c{n}") for n in range(20)} == {0, 1}
    assert half_of("c1") == half_of("c1")


def test_token_f1_counts_stems_in_any_order() -> None:
    assert f1("band Ada", "Ada bands") == 1.0
    assert f1("a b", "a c") == 0.5
    assert f1("", "x") == 0.0


def test_a_set_with_history_is_also_asked_as_it_is_understood() -> None:
    one = PublicQuestion("1", "and then?", (), True, {"rewrite": "What then?", "history": SAID})
    plain, rewritten, understood = variants("x", [one], None)
    assert understood.name == "x (understood)"
    assert understood.questions[0].text == plain.questions[0].text
    assert [v.is_understood for v in (plain, rewritten, understood)] == [False, False, True]
    assert not understood.is_main
