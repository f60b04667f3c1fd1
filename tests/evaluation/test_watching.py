"""After an extension: golden questions that lost their evidence are told to staff."""

import pytest
from django.urls import reverse

from evaluation import tasks, watching
from evaluation.models import Evidence, Question, QuestionSet
from evaluation.schedule import sweep
from knowledge import indexing
from knowledge.models import IndexBuild
from knowledge.services import activate_build, add_version, delete_document, set_active

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

BICYCLES = "# Parking\n\nBicycles stand in the yard."
BUILDS = reverse("admin:knowledge_indexbuild_changelist")
READY = reverse("ready")


def publish(document, text):
    version = add_version(document, text)
    indexing.process_version(version.pk)
    assert indexing.build_index()
    return version


@pytest.fixture
def damaged(questions, office):
    """A version of the parking rules without what two golden questions ask for."""
    watching.check_changed()
    publish(office["parking"], BICYCLES)
    return office["parking"]


def sentences(document_id=None):
    return [one.sentence for one in watching.notices(document_id)]


def test_a_version_that_lost_the_passage_is_searchable_at_once_and_said_to_staff(damaged, office):
    damaged.refresh_from_db()
    assert damaged.active_version.number == 2
    assert sentences() == []
    assert watching.check_changed() == 1
    (said,) = sentences()
    assert said.startswith("2 golden questions lost their evidence with version 2 of “Parking”.")
    assert sentences(damaged.pk) == [said]
    assert sentences(office["leave"].pk) == []


def test_it_is_on_the_builds_page_on_the_document_and_in_health(damaged, client, bob):
    tasks.check_evidence()
    client.force_login(bob)
    change = reverse("admin:knowledge_document_change", args=[damaged.pk])
    for url in (BUILDS, reverse("admin:knowledge_document_changelist"), change):
        page = client.get(url).content.decode()
        assert "2 golden questions lost their evidence with version 2" in page
        assert "Where is a parking badge?" in page
    part = client.get(READY).json()["parts"]["evidence"]
    assert part["status"] == "degraded"
    assert part["detail"]["lost"] == 2
    assert "version 2 of “Parking”" in part["detail"]["detail"]


def test_only_documents_that_changed_are_looked_at(questions, office):
    assert watching.check_changed() == 3
    assert watching.check_changed() == 0
    publish(office["leave"], "# Leave\n\nUp to five days of annual leave.")
    assert watching.check_changed() == 1


def test_evidence_that_was_never_looked_for_is_compared_with_the_older_versions(damaged):
    Evidence.objects.update(checked_version=None, found_in=None, lost_in=None)
    watching.check_changed()
    assert len(sentences()) == 1


def test_a_quote_that_no_version_ever_had_is_not_lost(questions, office):
    Evidence.objects.filter(question=questions[3]).update(quote="words that nobody wrote")
    watching.check_changed()
    publish(office["parking"], "# Parking\n\nAsk the front desk, always.")
    watching.check_changed()
    assert sentences() == []


@pytest.mark.parametrize("how", ["version", "back", "off", "deleted", "retired", "corrected"])
def test_the_warning_ends_when_the_cause_does(damaged, how):
    watching.check_changed()
    lost = Evidence.objects.exclude(lost_in=None)
    if how == "version":
        publish(damaged, "# Parking\n\nAsk the front desk for a parking badge, please.")
    elif how == "back":
        activate_build(IndexBuild.objects.filter(state="kept").latest("pk"))
    elif how == "off":
        set_active(damaged, False)
    elif how == "deleted":
        delete_document(damaged)
    elif how == "retired":
        Question.objects.filter(evidence__in=lost).update(status="retired")
    else:
        lost.update(quote="Bicycles stand", checked_version=None)
    watching.check_changed()
    assert sentences() == []
    assert watching.health() == ("ok", {"lost": 0})


def test_only_golden_questions_are_watched(damaged):
    QuestionSet.objects.update(kind="public")
    assert watching.check_changed() == 0


def test_a_published_build_sends_the_hint_and_the_sweep_finds_what_a_lost_one_left(
    damaged, office, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr("knowledge.indexing.publishing.send_hint", sent.append)
    with django_capture_on_commit_callbacks(execute=True):
        publish(office["leave"], "# Leave\n\nUp to five days of annual leave.")
    assert "evaluation.tasks.check_evidence" in sent
    assert sweep()["changed"] == 2
    assert len(sentences()) == 2


def test_a_corrected_question_is_looked_at_again_from_its_own_page(damaged, client, bob):
    watching.check_changed()
    client.force_login(bob)
    question = Evidence.objects.exclude(lost_in=None).first().question
    one = question.evidence.get()
    form = {
        "question_set": question.question_set_id,
        "text": question.text,
        "kind": "fact",
        "expected_outcome": "answered",
        "status": "accepted",
        "language": "",
        "reference_answer": "",
        "must_have": "",
        "evidence-TOTAL_FORMS": 1,
        "evidence-INITIAL_FORMS": 1,
        "evidence-0-id": one.pk,
        "evidence-0-question": question.pk,
        "evidence-0-document": damaged.pk,
        "evidence-0-quote": "Bicycles stand in the yard",
        "evidence-0-grade": 1,
    }
    url = reverse("admin:evaluation_question_change", args=[question.pk])
    assert client.post(url, form).status_code == 302
    assert sentences()[0].startswith("1 golden question lost its evidence")
