"""Golden sets are asked once a week by themselves, and a run that was left is found again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.models import PeriodicRun
from evaluation import runs, schedule, tasks
from evaluation.models import QuestionSet, Run
from evaluation.runs import Wanted

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def test_a_golden_set_is_asked_once_a_week(questions):
    now = timezone.now()
    assert schedule.ask_weekly(now)["queued"] == 1
    assert schedule.ask_weekly(now)["queued"] == 0
    assert schedule.ask_weekly(now + timedelta(days=6))["queued"] == 0
    assert schedule.ask_weekly(now + timedelta(days=7))["queued"] == 1
    assert set(Run.objects.values_list("origin", flat=True)) == {"weekly"}


def test_each_weekly_run_is_compared_with_the_one_before(questions):
    schedule.ask_weekly(timezone.now())
    first = Run.objects.get()
    assert tasks.run_set(first.pk)
    schedule.ask_weekly(timezone.now() + timedelta(days=7))
    assert Run.objects.first().baseline == first


def test_a_set_without_questions_or_of_another_kind_is_not_asked(questions, office):
    QuestionSet.objects.create(name="Empty", slug="empty")
    QuestionSet.objects.filter(slug="golden").update(kind="public")
    assert schedule.ask_weekly(timezone.now())["queued"] == 0


def test_without_an_index_nothing_is_asked(golden, ask):
    ask("Which zebra sings?")
    assert schedule.ask_weekly(timezone.now())["queued"] == 0


def test_the_sweep_finds_runs_that_wait_and_fails_those_given_up(questions, golden):
    waiting = runs.create(Wanted(golden))
    dead = runs.create(Wanted(golden))
    Run.objects.filter(pk=dead.pk).update(
        state="running", attempts=3, lease_until=timezone.now() - timedelta(minutes=5)
    )
    report = schedule.sweep()
    assert (report["failed"], report["hinted"]) == (1, 1)
    assert Run.objects.get(pk=dead.pk).state == "failed"
    assert tasks.run_set(waiting.pk)
    assert not tasks.run_set(waiting.pk)


def test_a_night_is_swept_once_however_often_beat_ticks(questions, monkeypatch):
    monkeypatch.setattr(schedule, "NIGHTLY", timezone.now().min.time())
    assert schedule.sweep().get("queued") == 1
    assert "queued" not in schedule.sweep()
    assert PeriodicRun.objects.filter(name="evaluation.weekly").count() == 1


def test_runs_of_last_year_are_dropped(questions, golden):
    old = runs.create(Wanted(golden))
    runs.execute(old.pk)
    Run.objects.update(finished_at=timezone.now() - timedelta(days=400))
    assert schedule.ask_weekly(timezone.now())["dropped"] == 1
    assert not Run.objects.filter(pk=old.pk).exists()


def test_a_run_that_was_asked_for_is_told_to_a_worker_after_the_commit(
    golden, questions, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(runs, "send_hint", lambda name, *ids: sent.append((name, *ids)))
    with django_capture_on_commit_callbacks(execute=True):
        run = runs.queue(Wanted(golden))
        assert sent == []
    assert sent == [("evaluation.tasks.run_set", run.pk)]
