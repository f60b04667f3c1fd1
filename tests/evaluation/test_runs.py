"""A run asks every question once, keeps what it found, and goes on where a dead worker stopped."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation import asking, runs
from evaluation.asking import Asker
from evaluation.models import Evidence, Question, Result, Run
from evaluation.runs import Wanted
from evaluation.sets import accepted, content_hash
from knowledge import conf, index_store
from knowledge.models import IndexBuild
from knowledge.search.audiences import Audience
from knowledge.services import set_groups
from tests.fakes import BagOfWordsEmbedder

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def run(golden, **fields):
    made = runs.create(Wanted(golden, **fields))
    runs.execute(made.pk)
    made.refresh_from_db()
    return made


def result_of(made, question):
    return made.results.get(question=question)


def test_every_figure_comes_with_its_interval_and_its_questions(golden, questions):
    made = run(golden)
    assert (made.state, made.asked, made.total, made.error) == ("done", 8, 8, "")
    figures = made.metrics["figures"]
    assert figures["evidence@5"]["n"] == 6
    assert figures["evidence@5"]["value"] == 1
    assert 0 <= figures["ndcg@10"]["low"] <= figures["ndcg@10"]["value"] <= 1
    assert figures["auc"]["n"] == 8
    assert set(made.metrics["stages"]) == {"dense", "lexical", "fused", "final"}
    assert made.metrics["counts"]["questions"] == 8
    assert made.results.count() == 8


def test_a_run_says_what_it_was_made_with(golden, questions):
    made = run(golden)
    active = IndexBuild.objects.get(state="active")
    assert made.build == active
    assert made.build_number == active.pk
    assert made.set_hash == content_hash(accepted(golden))
    assert made.configuration["embedding_model"] == active.model
    assert len(made.configuration_hash) == 64
    assert run(golden).configuration_hash == made.configuration_hash


def test_a_question_is_asked_as_its_groups_and_as_nobody_else(golden, questions, office):
    as_hr = questions[5]
    assert result_of(run(golden), as_hr).metrics["evidence@5"] == 1
    Question.objects.filter(pk=as_hr.pk).update(as_groups=[])
    stranger = result_of(run(golden), as_hr)
    assert stranger.metrics["evidence@5"] == 0
    assert office["pay"].pk not in {p["document_id"] for p in stranger.passages}


def test_the_stage_that_lost_the_evidence_is_named(golden, questions, office):
    set_groups(office["parking"], ["hr"])
    lost = result_of(run(golden), questions[3])
    assert (lost.fault, lost.metrics["evidence@5"]) == ("not_retrieved", 0)
    assert lost.stages["dense"]["rank"] is None
    assert lost.detail == "dense none, lexical none, fused none, final none"


def test_a_claim_where_nothing_answers_and_a_refusal_where_something_does_are_faults(
    golden, ask, office, monkeypatch
):
    nothing = ask("Which annual leave may zebras carry into the next year?")
    something = ask("Where is a badge?", office["parking"], "Ask the front desk")
    monkeypatch.setattr("evaluation.scoring.LINE", 0.0)
    assert result_of(run(golden), nothing).fault == "false_answer"
    monkeypatch.setattr("evaluation.scoring.LINE", 1.1)
    made = run(golden)
    assert result_of(made, something).fault == "false_refusal"
    assert result_of(made, nothing).fault == ""


def test_evidence_that_is_gone_is_counted_apart_and_never_scored_0(golden, questions):
    Evidence.objects.filter(question=questions[0]).update(quote="words that nobody wrote")
    made = run(golden)
    assert made.metrics["figures"]["evidence@5"]["n"] == 5
    assert made.metrics["figures"]["evidence@5"]["value"] == 1
    assert made.metrics["counts"]["unresolved"] == 1
    assert result_of(made, questions[0]).metrics == {}


def test_only_accepted_questions_are_asked(golden, questions):
    Question.objects.filter(pk=questions[0].pk).update(status="proposed")
    Question.objects.filter(pk=questions[1].pk).update(status="retired")
    assert run(golden).total == 6


def test_a_sample_is_the_same_every_time(golden, questions):
    first, second = run(golden, limit=3), run(golden, limit=3)
    asked = [set(made.results.values_list("question_id", flat=True)) for made in (first, second)]
    assert asked[0] == asked[1]
    assert len(asked[0]) == 3


def test_two_runs_are_compared_question_by_question(golden, questions, office):
    before = run(golden)
    set_groups(office["parking"], ["hr"])
    after = run(golden, baseline=before)
    difference = after.metrics["differences"]["evidence@5"]
    assert difference["value"] == pytest.approx(-2 / 6)
    assert difference["n"] == 6
    assert difference["least"] > 0.2
    assert (after.verdict, after.reason) == (
        "too_few",
        "6 questions can be compared; 30 are needed to judge.",
    )


def test_a_run_is_done_once_however_often_it_is_asked_for(golden, questions):
    made = runs.create(Wanted(golden))
    assert runs.execute(made.pk)
    assert not runs.execute(made.pk)
    assert Result.objects.filter(run=made).count() == 8


def test_a_run_that_another_worker_has_is_left_alone(golden, questions):
    made = runs.create(Wanted(golden))
    until = timezone.now() + timedelta(minutes=1)
    Run.objects.filter(pk=made.pk).update(
        state="running", lease_token=uuid.uuid4(), lease_until=until
    )
    assert not runs.execute(made.pk)
    assert runs.due_run_ids(10) == []


def test_a_run_whose_worker_died_is_taken_up_where_it_stopped(golden, questions, monkeypatch):
    made = runs.create(Wanted(golden))
    monkeypatch.setattr(runs, "_BATCH", 3)

    def die(asked, total):
        raise SystemExit  # as a killed process: nothing is written after it

    with pytest.raises(SystemExit):
        runs.execute(made.pk, die)
    made.refresh_from_db()
    assert (made.state, made.asked) == ("running", 3)
    assert runs.due_run_ids(10) == []
    kept = set(made.results.values_list("pk", flat=True))
    Run.objects.filter(pk=made.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert runs.due_run_ids(10) == [made.pk]
    assert runs.execute(made.pk)
    made.refresh_from_db()
    assert (made.state, made.asked) == ("done", 8)
    assert kept < set(made.results.values_list("pk", flat=True))


def test_a_worker_that_lost_its_run_writes_nothing_more(golden, questions, monkeypatch):
    made = runs.create(Wanted(golden))
    monkeypatch.setattr(runs, "_BATCH", 3)

    def overtaken(asked, total):
        Run.objects.filter(pk=made.pk).update(lease_token=uuid.uuid4())

    assert not runs.execute(made.pk, overtaken)
    assert made.results.count() == 3
    made.refresh_from_db()
    assert made.state == "running"


def test_a_run_that_breaks_off_three_times_is_given_up(golden, questions, monkeypatch):
    made = runs.create(Wanted(golden))

    def broken(*arguments):
        raise KeyError("x")

    monkeypatch.setattr(runs, "ask_question", broken)
    for _ in range(3):
        Run.objects.filter(pk=made.pk).update(due_at=timezone.now())
        assert not runs.execute(made.pk)
    made.refresh_from_db()
    assert (made.state, made.attempts) == ("queued", 3)
    Run.objects.filter(pk=made.pk).update(due_at=timezone.now())
    assert runs.give_up_exhausted() == 1
    made.refresh_from_db()
    assert made.state == "failed"
    assert "three times" in made.error


def test_a_question_that_cannot_be_asked_stops_no_run(golden, questions, monkeypatch):
    asked = Asker.ask

    def fragile(self, query, groups=(), *rest):
        if "parental" in query:
            raise ValueError("a vector of another length")
        return asked(self, query, groups, *rest)

    monkeypatch.setattr(Asker, "ask", fragile)
    made = run(golden)
    assert made.state == "done"
    assert made.metrics["counts"]["error"] == 1
    assert result_of(made, questions[2]).fault == "error"


@pytest.mark.parametrize("what", ["no index", "no questions", "no build"])
def test_what_cannot_be_run_says_why(golden, office, ask, what):
    fields = {}
    if what != "no questions":
        ask("Where is a badge?", office["parking"], "Ask the front desk")
    if what == "no index":
        IndexBuild.objects.update(state="removed")
        index_store.forget()
    if what == "no build":
        fields["build"] = IndexBuild.objects.create(state="kept", folder="nowhere", model="x")
    made = run(golden, **fields)
    assert made.state == "failed"
    assert made.error


def test_a_document_that_the_asker_may_not_see_is_a_leak_whatever_the_figures_say(
    golden, questions, office, monkeypatch
):
    """The search is made to look with another asker's eyes: the oracle of its own must see it."""
    set_groups(office["parking"], ["hr"])
    monkeypatch.setattr("evaluation.asking.Audience.visitor", Audience.everyone)
    made = run(golden)
    assert made.metrics["counts"]["leak"] >= 1
    leaked = made.results.filter(fault="leak").first()
    assert str(office["parking"].pk) in leaked.detail


def test_a_vector_that_comes_late_is_waited_for(golden, questions, monkeypatch):
    """A reader's question goes by words then; a figure must not depend on a busy machine."""
    known, calls = asking.query_vector, []

    def late(query, model):
        calls.append(query)
        return known(query, model) if calls.count(query) > 2 else None

    monkeypatch.setattr(asking, "query_vector", late)
    assert run(golden).metrics["counts"]["degraded"] == 0
    assert len(calls) >= 3 * len(questions)


def test_without_its_embedding_model_a_release_is_asked_by_words_and_that_is_counted(
    golden, questions
):
    conf.set_embedder(BagOfWordsEmbedder("another@1"))
    made = run(golden)
    assert made.metrics["counts"]["degraded"] == 8
    assert "dense" not in {stage for stage, f in made.metrics["stages"].items() if f.get("mrr")}
