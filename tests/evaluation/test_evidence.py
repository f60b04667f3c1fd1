"""Evidence is bound by its quote: other chunks and other versions do not lose it."""

import pytest

from evaluation.asking import Asker
from evaluation.evidence import ERASED, NO_EVIDENCE, NO_TEXT, NOT_THERE, problem_of, resolve
from evaluation.models import Evidence, Question
from evaluation.results import ask_question
from evaluation.sets import accepted
from knowledge import conf, index_store, indexing
from knowledge.models import Chunk, Document, IndexBuild
from knowledge.services import add_version, request_rebuild
from tests.evaluation.conftest import LEAVE
from tests.fakes import BagOfWordsEmbedder

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def resolved(golden, versions=None):
    return {q.text: r for q in accepted(golden) for r in [resolve([q], versions)[q.pk]]}


def places(version, splitter):
    chunks = Chunk.objects.filter(version=version, splitter=splitter)
    return set(chunks.values_list("start", "end"))


def work(document=None):
    if document is not None:
        indexing.process_version(document.versions.order_by("-number")[0].pk)
    indexing.build_index()
    index_store.forget()


def test_a_quote_becomes_its_place_in_the_text_that_answers(golden, office, ask):
    ask("Carried?", office["leave"], "five days of annual leave")
    gold = resolved(golden)["Carried?"].gold
    (span,) = gold.spans
    text = Document.objects.get(pk=office["leave"].pk).active_version.text
    assert text[span.start : span.end] == "five days of annual leave"
    assert gold.grades == {office["leave"].pk: 1.0}


def test_it_survives_a_new_version_in_which_the_words_have_moved(golden, office, ask):
    question = ask("Carried?", office["leave"], "five days of annual leave")
    before = resolved(golden)["Carried?"].gold.spans[0]
    add_version(office["leave"], "# News\n\n" + "A new paragraph first. " * 40 + "\n\n" + LEAVE)
    work(office["leave"])
    after = resolved(golden)["Carried?"].gold.spans[0]
    assert after.start > before.start + 500
    result = ask_question(
        Asker(index_store.current()), question, resolve(list(accepted(golden)))[question.pk]
    )
    assert result.metrics["evidence@5"] == 1


def test_it_survives_another_splitting(golden, office, ask, settings):
    long = LEAVE + "\n\n".join(f"Paragraph {n} about office plants." for n in range(60))
    add_version(office["leave"], long)
    work(office["leave"])
    question = ask(
        "How many weeks is parental leave?", office["leave"], "twenty weeks of parental leave"
    )
    version = Document.objects.get(pk=office["leave"].pk).active_version
    before = places(version, index_store.current().configuration.splitter)
    settings.CHUNK_TOKENS, settings.CHUNK_OVERLAP_TOKENS = 40, 5
    request_rebuild()
    work()
    splitter = index_store.current().configuration.splitter
    after = set(
        Chunk.objects.filter(version=version, splitter=splitter).values_list("start", "end")
    )
    assert after
    assert after != before
    result = ask_question(
        Asker(index_store.current()), question, resolve(list(accepted(golden)))[question.pk]
    )
    assert result.metrics["evidence@5"] == 1


def test_a_quote_that_is_gone_is_reported_and_never_scored_0(golden, office, ask):
    question = ask("Carried?", office["leave"], "ten weeks of annual leave")
    found = resolved(golden)["Carried?"]
    assert [p.reason for p in found.problems] == [NOT_THERE]
    result = ask_question(Asker(index_store.current()), question, found)
    assert result.metrics == {}
    assert result.fault == "unresolved"


def test_what_is_left_of_several_quotes_is_scored(golden, office, ask):
    question = ask("Leave?", office["leave"], "no such words")
    Evidence.objects.create(
        question=question, document=office["leave"], quote="annual leave", grade=2
    )
    found = resolved(golden)["Leave?"]
    assert len(found.problems) == 1
    assert found.gold.grades == {office["leave"].pk: 2.0}


def test_a_document_as_a_whole_may_be_evidence(golden, office, ask):
    ask("Parking?", office["parking"], "")
    found = resolved(golden)["Parking?"]
    assert found.gold.grades == {office["parking"].pk: 1.0}
    assert found.gold.spans == ()


def test_each_other_reason_is_told(golden, office, ask):
    erased = ask("Erased?", office["parking"], "x")
    erased.evidence.update(document=None, quote="")
    waiting = Document.objects.create(title="Waiting")
    ask("Waiting?", waiting, "x")
    ask("Nothing?", None, expected_outcome=Question.Outcome.ANSWERED)
    reasons = {text: [p.reason for p in one.problems] for text, one in resolved(golden).items()}
    assert reasons == {"Erased?": [ERASED], "Waiting?": [NO_TEXT], "Nothing?": [NO_EVIDENCE]}


def test_a_release_is_held_against_the_versions_that_it_holds(golden, office, ask):
    ask("Carried?", office["leave"], "Up to five days")
    old = office["leave"].active_version_id
    add_version(office["leave"], "# Leave\n\nNothing is carried any more.")
    work(office["leave"])
    assert resolved(golden)["Carried?"].problems
    assert not resolved(golden, {office["leave"].pk: old})["Carried?"].problems


def test_one_sentence_says_whether_a_quote_may_be_pasted(office):
    document = Document.objects.get(pk=office["leave"].pk)
    assert problem_of(document, "five  DAYS of annual leave") == ""
    assert problem_of(document, "six days of annual leave") == NOT_THERE
    assert problem_of(Document.objects.create(title="New"), "x") == NO_TEXT


def test_another_embedding_model_leaves_the_evidence_where_it_was(golden, office, ask):
    ask("Carried?", office["leave"], "five days of annual leave")
    before = resolved(golden)["Carried?"]
    conf.set_embedder(BagOfWordsEmbedder("bag-of-words@2"))
    request_rebuild()
    work()
    assert IndexBuild.objects.get(state="active").model == "bag-of-words@2"
    assert resolved(golden)["Carried?"] == before
