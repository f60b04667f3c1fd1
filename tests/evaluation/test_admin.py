"""Evaluation in the admin: a wrong quote is a sentence at once, a run is a button."""

import json

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evaluation import runs
from evaluation.models import Evidence, Question, QuestionSet, Run
from evaluation.runs import Wanted
from evaluation.sets import freeze

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

SETS = reverse("admin:evaluation_questionset_changelist")
QUESTIONS = reverse("admin:evaluation_question_changelist")
ADD = reverse("admin:evaluation_question_add")
RUNS = reverse("admin:evaluation_run_changelist")
RESULTS = reverse("admin:evaluation_result_changelist")


@pytest.fixture
def desk(client, bob):
    client.force_login(bob)
    return client


def page_of(name, row):
    return reverse(f"admin:evaluation_{name}_change", args=[row.pk])


def question_form(golden, *evidence, **fields):
    """What a browser sends: the question, and a row for each (document, quote)."""
    form = {
        "question_set": golden.pk,
        "text": "Where is a badge?",
        "kind": "fact",
        "expected_outcome": "answered",
        "status": "accepted",
        "language": "",
        "reference_answer": "",
        "must_have": "",
        "evidence-TOTAL_FORMS": len(evidence),
        "evidence-INITIAL_FORMS": 0,
        **fields,
    }
    for number, (document, quote) in enumerate(evidence):
        form[f"evidence-{number}-document"] = document.pk
        form[f"evidence-{number}-quote"] = quote
        form[f"evidence-{number}-grade"] = 1
    return form


def test_only_staff_come_in(client, alice, golden, questions):
    made = runs.create(Wanted(golden))
    pages = [SETS, QUESTIONS, ADD, RUNS, RESULTS, page_of("questionset", golden)]
    pages += [page_of("run", made), page_of("question", questions[0])]
    pages += [
        reverse(f"admin:evaluation_questionset_{name}", args=[golden.pk])
        for name in ("run_now", "export", "check_evidence", "freeze")
    ]
    client.force_login(alice)
    for page in pages:
        assert client.get(page).status_code == 302, page
        assert client.post(page).status_code == 302, page
    assert Run.objects.count() == 1


def test_an_empty_desk_says_how_to_begin(desk, db):
    page = desk.get(SETS).content.decode()
    assert "There are no questions yet." in page
    assert "from thirty on" in page


def test_a_question_comes_with_its_quote(desk, golden, office, bob):
    words = "ask  the FRONT desk for a parking badge"
    response = desk.post(ADD, question_form(golden, (office["parking"], words)))
    assert response.status_code == 302, response.context["errors"]
    question = Question.objects.get()
    assert (question.author, question.status) == (bob, "accepted")
    assert question.evidence.get().document == office["parking"]


def test_a_quote_that_is_not_in_the_document_is_said_beside_it(desk, golden, office):
    response = desk.post(ADD, question_form(golden, (office["parking"], "Ask your manager")))
    assert response.status_code == 200
    assert "The quote is not in the document&#x27;s text." in response.content.decode()
    assert not Question.objects.exists()


def test_evidence_that_the_asker_may_not_read_is_said_too(desk, golden, office):
    evidence = (office["pay"], "grade seven")
    response = desk.post(ADD, question_form(golden, evidence))
    assert "add a group that may" in response.content.decode()
    group = Group.objects.get(name="hr")
    response = desk.post(ADD, question_form(golden, evidence, asked_as=[group.pk]))
    assert response.status_code == 302
    assert Question.objects.get().as_groups == ["hr"]


def test_the_same_question_twice_is_refused(desk, golden, office):
    form = question_form(golden, (office["parking"], "Ask the front desk"))
    desk.post(ADD, form)
    assert "has this question already" in desk.post(ADD, form).content.decode()
    assert Question.objects.count() == 1


def test_a_changed_quote_forgets_where_the_old_one_stood(desk, golden, office, ask):
    question = ask("Where?", office["parking"], "front desk")
    evidence = question.evidence.get()
    Evidence.objects.update(position=0.5)
    form = question_form(golden, (office["parking"], "parking badge"))
    form.update({"evidence-INITIAL_FORMS": 1, "evidence-0-id": evidence.pk})
    form["evidence-0-question"] = question.pk
    response = desk.post(page_of("question", question), form)
    assert response.status_code == 302
    evidence.refresh_from_db()
    assert (evidence.quote, evidence.position) == ("parking badge", None)


def test_erased_evidence_is_told_on_its_question(desk, golden, office, ask):
    question = ask("Where?", office["parking"], "front desk")
    Evidence.objects.update(document=None, quote="")
    page = desk.get(page_of("question", question)).content.decode()
    assert "1 quotes went with a document" in page


def test_several_questions_are_accepted_or_retired(desk, questions):
    chosen = {"_selected_action": [questions[0].pk, questions[1].pk]}
    desk.post(QUESTIONS, {**chosen, "action": "retire"})
    assert Question.objects.filter(status="retired").count() == 2
    desk.post(QUESTIONS, {**chosen, "action": "accept"})
    assert not Question.objects.filter(status="retired").exists()


def test_a_frozen_set_is_for_reading(desk, golden, questions, office):
    freeze(golden)
    form = question_form(golden, (office["parking"], "Ask the front desk"), text="New?")
    assert "is frozen" in desk.post(ADD, form).content.decode()
    assert desk.post(page_of("question", questions[0]), form).status_code == 403
    desk.post(QUESTIONS, {"_selected_action": [questions[0].pk], "action": "retire"})
    assert Question.objects.get(pk=questions[0].pk).status == "accepted"
    assert Question.objects.count() == 8


def set_form(golden, data: bytes | None = None):
    form = {"name": golden.name, "slug": golden.slug, "kind": golden.kind, "description": ""}
    if data is not None:
        form["questions_file"] = SimpleUploadedFile("q.jsonl", data)
    return form


def test_a_file_is_brought_in_or_refused_with_its_line(desk, golden, office):
    page = page_of("questionset", golden)
    good = json.dumps(
        {"question": "Badge?", "evidence": [{"document": "Parking", "quote": "front desk"}]}
    )
    response = desk.post(page, set_form(golden, good.encode()), follow=True)
    assert "1 questions were added" in response.content.decode()
    bad = set_form(golden, f"{good}\n{{".encode())
    response = desk.post(page, bad)
    assert response.status_code == 200
    assert "Nothing was imported. Line 2: This is not JSON." in response.content.decode()
    assert Question.objects.count() == 1


def test_a_set_goes_out_as_it_came_in(desk, golden, questions):
    url = reverse("admin:evaluation_questionset_export", args=[golden.pk])
    response = desk.get(url)
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert response["Content-Disposition"] == 'attachment; filename="golden.jsonl"'
    assert [json.loads(line)["question"] for line in lines] == [q.text for q in questions]


def test_the_evidence_of_a_set_is_checked_by_a_button(desk, golden, questions):
    url = reverse("admin:evaluation_questionset_check_evidence", args=[golden.pk])
    assert "All evidence is found." in desk.get(url, follow=True).content.decode()
    Evidence.objects.filter(question=questions[0]).update(quote="gone words")
    assert "The quote is not in" in desk.get(url, follow=True).content.decode()


def test_a_run_is_started_by_a_button_and_only_by_its_form(desk, golden, questions, bob):
    url = reverse("admin:evaluation_questionset_run_now", args=[golden.pk])
    assert "Run now" in desk.get(url).content.decode()
    assert not Run.objects.exists()
    response = desk.post(url, {"_form_submitted": "on"}, headers={"HX-Request": "true"})
    made = Run.objects.get()
    assert response["HX-Redirect"] == page_of("run", made)
    assert (made.state, made.requested_by, made.origin) == ("queued", bob, "admin")
    assert "Waiting" in desk.get(RUNS).content.decode()


def test_a_set_is_frozen_and_thawed_by_a_button(desk, golden, questions):
    url = reverse("admin:evaluation_questionset_freeze", args=[golden.pk])
    for is_frozen in (True, False):
        desk.post(url, {"_form_submitted": "on"})
        assert bool(QuestionSet.objects.get().frozen_at) is is_frozen


def test_every_figure_of_a_run_opens_its_questions(desk, golden, questions):
    Evidence.objects.filter(question=questions[0]).update(quote="gone words")
    before = runs.create(Wanted(golden))
    runs.execute(before.pk)
    made = runs.create(Wanted(golden, baseline=before))
    runs.execute(made.pk)
    page = desk.get(page_of("run", made)).content.decode()
    for words in ("Evidence in the first 5 passages", "Too few to judge", "By words", "1.000"):
        assert words in page, words
    link = f"{RESULTS}?run__id__exact={made.pk}&fault__exact=unresolved"
    assert link.replace("&", "&amp;") in page
    listed = desk.get(link).content.decode()
    assert questions[0].text in listed
    assert questions[1].text not in listed
    result = made.results.get(question=questions[1])
    assert "Leave policy" in desk.get(page_of("result", result)).content.decode()


def test_the_pages_of_a_run_under_way_and_of_a_failed_one(desk, golden, questions):
    made = runs.create(Wanted(golden))
    Run.objects.update(state="running", asked=2, total=8)
    assert 'value="25"' in desk.get(RUNS).content.decode()
    Run.objects.update(state="failed", error="There is no index to ask.")
    assert "There is no index to ask." in desk.get(page_of("run", made)).content.decode()
    assert desk.get(page_of("questionset", golden)).status_code == 200


def queries_of(desk, page):
    with CaptureQueriesContext(connection) as captured:
        assert desk.get(page).status_code == 200
    return len(captured)


def test_the_lists_ask_the_same_queries_at_8_and_at_40_rows(desk, golden, questions, ask):
    made = runs.create(Wanted(golden))
    runs.execute(made.pk)
    pages = (SETS, QUESTIONS, RUNS, f"{RESULTS}?run__id__exact={made.pk}")
    counted = {page: (desk.get(page), queries_of(desk, page))[1] for page in pages}
    assert max(counted.values()) <= 20
    document = questions[0].evidence.get().document
    for number in range(32):
        ask(f"Badge {number}?", document, "front desk")
        runs.create(Wanted(golden))
    for number in range(12):
        QuestionSet.objects.create(name=f"S{number}", slug=f"s{number}")
    assert {page: queries_of(desk, page) for page in pages} == counted


def test_runs_and_results_are_for_reading(desk, golden, questions):
    made = runs.create(Wanted(golden))
    runs.execute(made.pk)
    assert desk.post(page_of("run", made), {"verdict": "passed"}).status_code == 403
    assert desk.get(reverse("admin:evaluation_run_add")).status_code == 403
    assert desk.get(reverse("admin:evaluation_result_add")).status_code == 403


def test_an_accepted_question_without_evidence_is_saved_with_a_warning(desk, golden, office):
    page = desk.post(ADD, question_form(golden), follow=True).content.decode()
    assert "This question has no evidence, so that it is left out of every figure" in page
    assert Question.objects.get().status == "accepted"


def test_a_question_with_evidence_or_that_nothing_answers_or_a_proposal_has_no_warning(
    desk, golden, office
):
    forms = [
        question_form(golden, (office["parking"], "Ask the front desk")),
        question_form(golden, text="Peru?", expected_outcome="not_found"),
        question_form(golden, text="Badges?", status="proposed"),
    ]
    for form in forms:
        assert "has no evidence" not in desk.post(ADD, form, follow=True).content.decode()
    assert Question.objects.count() == 3


def test_accepting_several_says_how_many_have_no_evidence(desk, golden, ask, office):
    chosen = [
        ask("Where is a badge?", office["parking"], "Ask the front desk", status="proposed"),
        ask("What is the capital of Peru?", status="proposed"),
        ask("How long is leave?", status="proposed", expected_outcome="answered"),
    ]
    form = {"action": "accept", "_selected_action": [one.pk for one in chosen]}
    page = desk.post(QUESTIONS, form, follow=True).content.decode()
    assert "1 of them have no evidence" in page
