"""A deleted document leaves no word of it in evaluation, and the figures of runs stay."""

import pytest
from django.apps import apps
from django.db.models import CharField, JSONField, TextField

from evaluation import runs
from evaluation.evidence import ERASED, resolve
from evaluation.forgetting import forget_document
from evaluation.models import Evidence, Question, Result
from evaluation.runs import Wanted
from evaluation.sets import accepted
from knowledge.models import Document
from knowledge.services import delete_document

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

NEEDLE = "quibblestone"


def words_of_evaluation() -> str:
    """Every text that the app keeps, as one."""
    found = []
    for model in apps.get_app_config("evaluation").get_models():
        kinds = (CharField, TextField, JSONField)
        names = [f.name for f in model._meta.concrete_fields if isinstance(f, kinds)]
        found += [str(row) for row in model.objects.values_list(*names)]
    return "\n".join(found)


@pytest.fixture
def depot(add_text, golden, ask):
    document = add_text("Depot", f"# Depot\n\nThe {NEEDLE} depot opens at half past seven.")
    other = add_text("Gate", "# Gate\n\nThe gate closes at nine.")
    question = ask(
        "When does the depot open?",
        document,
        f"The {NEEDLE} depot opens",
        reference_answer=f"The {NEEDLE} depot opens at half past seven.",
        must_include=[NEEDLE],
    )
    gate = ask("When does the gate close?", other, "closes at nine", reference_answer="At nine.")
    made = runs.create(Wanted(golden))
    runs.execute(made.pk)
    return {"document": document, "other": other, "question": question, "gate": gate, "run": made}


def test_deleting_a_document_erases_its_quotes_and_places(depot, golden):
    assert NEEDLE in words_of_evaluation()
    number = depot["document"].pk
    before = depot["run"].results.get(question=depot["question"]).metrics
    delete_document(Document.objects.get(pk=number))
    assert NEEDLE not in words_of_evaluation()
    for result in Result.objects.all():
        assert number not in {passage["document_id"] for passage in result.passages}
    assert depot["run"].results.get(question=depot["question"]).metrics == before
    problems = resolve(list(accepted(golden)))[depot["question"].pk].problems
    assert [problem.reason for problem in problems] == [ERASED]


def test_other_documents_keep_their_words(depot):
    delete_document(Document.objects.get(pk=depot["document"].pk))
    assert Evidence.objects.get(question=depot["gate"]).quote == "closes at nine"
    assert Question.objects.get(pk=depot["gate"].pk).reference_answer == "At nine."
    kept = depot["run"].results.get(question=depot["gate"]).passages
    assert depot["other"].pk in {passage["document_id"] for passage in kept}


def test_forgetting_twice_is_no_error(depot):
    assert forget_document(depot["document"].pk)["quotes"] == 1
    assert forget_document(depot["document"].pk) == {"quotes": 0, "answers": 0, "results": 0}


def test_a_document_whose_number_begins_alike_is_not_taken_for_it(depot):
    passage = {"start": 0, "end": 5, "document_id": depot["document"].pk}
    other = {**passage, "document_id": depot["document"].pk * 10 + 1}
    result = Result.objects.first()
    Result.objects.filter(pk=result.pk).update(passages=[other, passage])
    forget_document(depot["document"].pk)
    result.refresh_from_db()
    assert result.passages == [other]
