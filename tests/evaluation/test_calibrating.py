"""Fitting "not found" on golden questions: what it needs, what it changes, and back again."""

import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from evaluation import calibrating, schedule
from evaluation.fitting import ENOUGH_ANSWERABLE, ENOUGH_UNANSWERABLE, Example, refit
from evaluation.models import Question
from knowledge.models import Calibration
from knowledge.retrieval.answerability import VARIANTS, shipped
from knowledge.search import search

pytestmark = pytest.mark.django_db

SUBMITTED = {"_form_submitted": "on"}  # what the theme's dialogs send
STRANGE = ["zebra", "volcano", "opera", "quartz", "glacier", "tango", "comet", "harbour", "yeast"]


@pytest.fixture
def desk(client, bob):
    client.force_login(bob)
    return client


@pytest.fixture
def many(office, ask):
    """Enough golden questions of both kinds."""
    for number in range(ENOUGH_ANSWERABLE):
        ask(f"How much annual leave may be carried, case {number}?", office["leave"], "five days")
    for number in range(ENOUGH_UNANSWERABLE):
        word = STRANGE[number % len(STRANGE)]
        ask(f"Which {word} sings at night, case {number}?")


def test_too_few_questions_say_how_many_are_missing(questions):
    with pytest.raises(calibrating.NotFittable, match="34 more with an answer and 18 more that"):
        calibrating.queue()
    assert not Calibration.objects.exists()


def test_a_fit_decides_and_can_be_undone(many, bob):
    before = search("How much annual leave may be carried?", user=None).answerable
    row = calibrating.create(bob)
    assert calibrating.execute(row.pk)
    row.refresh_from_db()
    assert row.state == "done"
    assert row.asked == row.total == ENOUGH_ANSWERABLE + ENOUGH_UNANSWERABLE
    said = row.values["provenance"]
    assert said["answerable"] == ENOUGH_ANSWERABLE
    assert said["sets"] == ["golden"]
    assert said["questions_hash"]
    both = row.figures["meaning"]
    assert both["after"]["refused"]["value"] >= both["before"]["refused"]["value"]
    assert both["after"]["kept"]["n"] == ENOUGH_ANSWERABLE
    assert Calibration.objects.in_use().get() == row
    assert search("How much annual leave may be carried?", user=None).answerable != before
    assert calibrating.undo(bob) == 1
    row.refresh_from_db()
    assert row.undone_by == bob
    assert search("How much annual leave may be carried?", user=None).answerable == before
    assert calibrating.undo(bob) == 0


def test_a_fit_is_done_once_however_often_it_is_asked_for(many):
    row = calibrating.create()
    assert calibrating.execute(row.pk)
    assert not calibrating.execute(row.pk)
    assert not calibrating.execute(uuid.uuid4())


def test_a_fit_whose_worker_died_is_taken_up_again(many):
    row = calibrating.create()
    held = {"state": "running", "lease_token": uuid.uuid4(), "attempts": 1}
    alive = timezone.now() + timedelta(minutes=1)
    Calibration.objects.filter(pk=row.pk).update(**held, lease_until=alive)
    assert calibrating.due_ids(5) == []
    Calibration.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(minutes=1))
    assert calibrating.due_ids(5) == [row.pk]
    assert calibrating.execute(row.pk)


def test_a_fit_that_broke_off_three_times_fails_with_a_sentence(many):
    row = calibrating.create()
    Calibration.objects.filter(pk=row.pk).update(attempts=3)
    schedule.sweep()
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", calibrating.BROKE_OFF)


def test_questions_that_vanish_before_the_fit_begins_fail_it_with_a_sentence(many):
    row = calibrating.create()
    Question.objects.filter(expected_outcome="not_found").update(status="retired")
    assert not calibrating.execute(row.pk)
    row.refresh_from_db()
    assert row.state == "failed"
    assert "20 more that nothing answers" in row.error


def test_without_an_index_it_says_so(ask, db):
    for number in range(60):
        ask(
            f"Which zebra, case {number}?",
            expected_outcome=["answered", "not_found"][number % 3 == 0],
        )
    row = calibrating.create()
    assert not calibrating.execute(row.pk)
    row.refresh_from_db()
    assert row.error == calibrating.NO_INDEX


def test_the_command_fits_says_what_changed_and_goes_back(many):
    out = StringIO()
    call_command("fit_not_found", stdout=out, stderr=StringIO())
    assert "after" in out.getvalue()
    assert Calibration.objects.in_use().exists()
    call_command("fit_not_found", "--undo", stdout=out)
    assert "shipped calibration decides again" in out.getvalue()
    assert not Calibration.objects.in_use().exists()


def test_the_command_says_what_is_missing(questions):
    with pytest.raises(CommandError, match="more with an answer"):
        call_command("fit_not_found")


def example(variant: str, level: float, *, is_answerable: bool) -> Example:
    signals = dict.fromkeys(VARIANTS[variant], level)
    return Example(signals, is_answerable, has_evidence=is_answerable)


def test_only_what_the_questions_show_is_fitted():
    examples = [
        example("words", at / 60, is_answerable=at >= 20) for at in range(60)
    ]  # no cosines, no reader
    made = refit(examples, shipped(), 0.05)
    assert made.fitted == ("words",)
    assert made.variants["meaning"] == shipped().variants["meaning"]
    assert made.figures["words"]["after"]["auc"] > 0.9


def test_equal_questions_of_both_kinds_change_nothing_much_and_break_nothing():
    examples = [example("words", 0.5, is_answerable=at >= 20) for at in range(60)]
    after = refit(examples, shipped(), 0.05).figures["words"]["after"]
    assert after["auc"] == 0.5


def test_staff_fit_and_undo_in_the_admin(many, desk):
    page = desk.get(reverse("admin:knowledge_calibration_changelist"))
    assert f"There are {ENOUGH_ANSWERABLE} accepted golden questions" in page.content.decode()
    desk.post(reverse("admin:knowledge_calibration_fit"), SUBMITTED)
    row = Calibration.objects.get()
    assert row.state == "queued"
    assert calibrating.execute(row.pk)
    shown = desk.get(reverse("admin:knowledge_calibration_change", args=[row.pk])).content.decode()
    assert "By meaning and words" in shown
    assert "60 golden questions" in shown
    desk.post(reverse("admin:knowledge_calibration_undo"), SUBMITTED)
    assert not Calibration.objects.in_use().exists()


@pytest.mark.parametrize("change", ["signals", "embedding_model"])
def test_a_fit_that_cannot_decide_any_more_is_said_in_the_admin(many, desk, change):
    row = calibrating.create()
    assert calibrating.execute(row.pk)
    page = reverse("admin:knowledge_calibration_changelist")
    assert "decides now, as long as" in desk.get(page).content.decode()
    row.refresh_from_db()
    if change == "signals":  # as an earlier version had them
        weights = row.values["variants"]["meaning"]["weights"]
        weights["lead"] = weights.pop("size")
    else:
        row.values["provenance"]["embedding_model"] = "another@0123456789ab"
    # A fit never changes, so a process that has read one does not look again.
    Calibration.objects.filter(pk=row.pk).delete()
    other = Calibration.objects.create(
        state="done", values=row.values, figures=row.figures, finished_at=row.finished_at
    )
    for address in (page, reverse("admin:knowledge_calibration_change", args=[other.pk])):
        shown = desk.get(address).content.decode()
        assert "so the shipped calibration decides. Fit again." in shown


def test_too_few_questions_are_said_in_the_admin(questions, desk):
    desk.post(reverse("admin:knowledge_calibration_fit"), SUBMITTED)
    page = desk.get(reverse("admin:knowledge_calibration_changelist")).content.decode()
    assert "34 more with an answer" in page
    assert not Calibration.objects.exists()


def test_strangers_see_no_fits(many, client, alice):
    client.force_login(alice)
    for name in ("changelist", "fit", "undo"):
        assert client.get(reverse(f"admin:knowledge_calibration_{name}")).status_code == 302
