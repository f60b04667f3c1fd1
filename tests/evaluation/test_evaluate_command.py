"""``manage.py evaluate SET``: figures in words, and an exit status that a pipeline can go by."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from evaluation.models import Question, Run
from knowledge import indexing
from knowledge.models import IndexBuild
from knowledge.services import add_version, set_active, set_groups
from tests.evaluation.conftest import make_group

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def many(ask, office):
    """Forty questions: enough to judge."""
    for number in range(40):
        ask(f"Where is parking badge {number}?", office["parking"], "Ask the front desk")


def evaluate(*arguments):
    out, error = StringIO(), StringIO()
    status = 0
    try:
        call_command("evaluate", *arguments, stdout=out, stderr=error)
    except SystemExit as end:
        status = end.code
    return status, out.getvalue(), error.getvalue()


def test_the_figures_are_printed_with_their_intervals(questions, tmp_path):
    status, out, _ = evaluate("golden", "--json", str(tmp_path / "figures.json"))
    assert status == 0
    assert "evidence@5  1.000  [1.000, 1.000]  n 6" in out
    assert "lexical" in out
    assert "questions 8, answerable 6, scored 6" in out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["figures"]["evidence@5"]["value"] == 1
    assert Run.objects.get().origin == "command"


def test_the_last_run_is_what_the_next_is_compared_with(many, office):
    evaluate("golden")
    assert evaluate("golden", "--gate")[0] == 0
    assert Run.objects.first().baseline == Run.objects.last()
    set_groups(office["parking"], [make_group("hr").name])
    status, out, _ = evaluate("golden", "--gate")
    assert status == 1
    assert "40 fewer of 40 questions than before (-100 percentage points" in out
    assert evaluate("golden")[0] == 0


def test_evidence_that_a_new_version_lost_is_a_miss_and_is_listed(many, office):
    evaluate("golden")
    version = add_version(office["parking"], "# Parking\n\nBicycles stand in the yard.")
    indexing.process_version(version.pk)
    indexing.build_index()
    status, out, _ = evaluate("golden", "--gate")
    assert status == 1
    assert "40 golden questions lost their evidence with a new version" in out
    said = "The quote is not in the document's text. It counts as a miss."
    assert f"Where is parking badge 7?: “Parking”. {said}" in out


def test_evidence_that_was_taken_out_on_purpose_is_listed_and_no_miss(many, office):
    evaluate("golden")
    set_active(office["parking"], False)
    status, out, _ = evaluate("golden", "--gate")
    assert status == 3
    assert "Where is parking badge 7?: “Parking”. The document is out of answers." in out
    assert "counts as a miss" not in out


def test_fewer_than_thirty_questions_judge_nothing(questions):
    evaluate("golden")
    status, out, _ = evaluate("golden", "--gate")
    assert status == 3
    assert "30 are needed to judge" in out
    assert evaluate("golden", "--gate", "--baseline", "none")[0] == 3


def test_a_build_is_compared_with_the_active_one(many):
    build = IndexBuild.objects.get(state="active")
    status, _, _ = evaluate("golden", "--build", str(build.pk), "--gate")
    assert status == 0
    latest, baseline = Run.objects.all()
    assert (latest.build, latest.baseline) == (build, baseline)
    assert evaluate("golden", "--baseline", str(baseline.pk), "--limit", "5")[0] == 0
    assert Run.objects.first().total == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name a question set"),
        (("none",), "There is no question set “none”. There are: golden."),
        (("golden", "--folder", "x"), "Name a question set"),
        (("golden", "--build", "999"), "no index build 999"),
        (("golden", "--baseline", "999"), "no finished run 999"),
        (("golden", "--baseline", "soon"), "no finished run soon"),
        (("golden", "--limit", "0"), "at least 1"),
        (("--folder", "x", "--methods", "product,magic"), "no method “magic”"),
        (("--folder", "no-such-folder"), "no documents.jsonl"),
    ],
)
def test_what_is_wrong_is_said_and_ends_with_2(golden, tmp_path, arguments, words):
    with pytest.raises(CommandError, match=words) as caught:
        evaluate(*arguments)
    assert caught.value.returncode == 2


def test_a_set_without_questions_and_an_empty_index_end_with_2(golden, office, ask):
    with pytest.raises(CommandError, match="no accepted questions") as caught:
        evaluate("golden")
    assert caught.value.returncode == 2
    ask("Where is a badge?", office["parking"], "Ask the front desk")
    IndexBuild.objects.update(state="removed")
    with pytest.raises(CommandError, match="There is no index"):
        evaluate("golden")


def test_nothing_but_the_runs_own_rows_is_written(questions):
    before = list(IndexBuild.objects.values()), list(Question.objects.values())
    evaluate("golden")
    assert (list(IndexBuild.objects.values()), list(Question.objects.values())) == before
