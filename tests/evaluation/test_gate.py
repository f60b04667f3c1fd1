"""The gate of a release: what the team asks must be found as well as before."""

import numpy as np
import pytest
from django.conf import settings as django_settings

from evaluation import gate, runs
from evaluation.files.values import PublicDocument
from evaluation.models import Evidence, Question, QuestionSet, Run
from evaluation.public.loading import load
from evaluation.public.shelf import VectorShelf
from evaluation.runs import Wanted
from knowledge import conf, index_store, indexing
from knowledge.models import Chunk, Document, Embedding, IndexBuild
from knowledge.retrieval.backends.files import FilesEngine
from knowledge.retrieval.types import IndexRow
from knowledge.search.audiences import Audience
from knowledge.services import add_version, override_gate, request_rebuild, set_groups
from tests.fakes import BagOfWordsEmbedder

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def candidate(without=()):
    """A complete release beside the active one, that lacks some documents."""
    active = IndexBuild.objects.get(state="active")
    vectors = {e.content_hash: np.frombuffer(e.vector, "<f4") for e in Embedding.objects.all()}
    chunks = Chunk.objects.exclude(version__document__in=without).select_related(
        "version__document"
    )
    rows = [
        IndexRow(
            chunk_id=chunk.pk,
            document_id=chunk.version.document_id,
            version_id=chunk.version_id,
            title=chunk.version.document.title,
            heading=chunk.heading,
            text=chunk.text,
            vector=vectors[chunk.content_hash],
        )
        for chunk in chunks.exclude(version__document__in=without)
    ]
    build = IndexBuild.objects.create(
        configuration=active.configuration, model=active.model, dimension=active.dimension
    )
    build.folder = f"build-{build.pk}"
    engine = FilesEngine(django_settings.INDEX_DIR)
    manifest = engine.build(build.folder, rows, active.dimension, {})
    build.manifest_sha256 = manifest.sha256
    build.save()
    return build


def test_an_equal_release_passes_with_its_interval(questions):
    found = gate.judge(candidate())
    assert found["verdict"] == "passed"
    assert found["evidence"]["value"] == 0
    assert found["evidence"]["n"] == 6
    assert found["evidence"]["least"] == pytest.approx(0.5)
    assert found["reason"] == "evidence@5 +0.000 [+0.000, +0.000], n 6."
    assert (found["asked"], found["of"]) == (8, 8)


def test_a_release_that_lost_evidence_fails_and_says_by_how_much(questions, office):
    found = gate.judge(candidate(without=[office["parking"]]))
    assert found["verdict"] == "failed"
    assert found["evidence"]["value"] == pytest.approx(-2 / 6)
    assert "it may fall by 0.020 at most" in found["reason"]


def test_the_margin_is_the_settings(questions, office, settings):
    settings.GATE_MARGIN_PERCENT = 40
    assert gate.judge(candidate(without=[office["parking"]]))["verdict"] == "passed"


def test_the_run_of_a_gate_keeps_every_question(questions, office):
    build = candidate(without=[office["parking"]])
    made = Run.objects.get(pk=gate.judge(build)["run"])
    assert (made.origin, made.build, made.verdict) == ("gate", build, "failed")
    assert made.results.get(question=questions[3]).fault == "not_retrieved"
    assert made.results.count() == 8


def test_without_questions_or_with_four_it_says_nothing(office, ask, golden):
    assert gate.judge(candidate()) == {"verdict": "skipped", "reason": gate.NO_QUESTIONS}
    for number in range(4):
        ask(f"Badge {number}?", office["parking"], "Ask the front desk")
    found = gate.judge(candidate(without=[office["parking"]]))
    assert found["verdict"] == "skipped"
    assert found["reason"] == "Only 4 golden questions can be compared; 5 are needed."


def test_only_accepted_questions_of_golden_sets_count(questions, golden, office):
    QuestionSet.objects.update(kind="public")
    assert gate.judge(candidate(without=[office["parking"]]))["reason"] == gate.NO_QUESTIONS
    QuestionSet.objects.update(kind="golden")
    Question.objects.update(status="retired")
    assert gate.judge(candidate(without=[office["parking"]]))["reason"] == gate.NO_QUESTIONS


def test_evidence_that_is_gone_is_left_out_of_both(questions, office):
    Evidence.objects.filter(document=office["parking"]).update(quote="words that nobody wrote")
    found = gate.judge(candidate(without=[office["parking"]]))
    assert found["verdict"] == "skipped"
    assert found["evidence"]["n"] == 4


def test_the_first_release_of_all_has_nothing_to_be_compared_with(questions):
    build = candidate()
    IndexBuild.objects.filter(state="active").update(state="removed")
    index_store.forget()
    found = gate.judge(build)
    assert (found["verdict"], found["reason"]) == ("skipped", gate.NO_ACTIVE)


def test_what_an_asker_may_not_see_fails_whatever_the_figures_say(questions, office, monkeypatch):
    build = candidate()
    set_groups(office["parking"], ["hr"])
    monkeypatch.setattr("evaluation.asking.Audience.visitor", Audience.everyone)
    found = gate.judge(build)
    assert found["verdict"] == "failed"
    assert "show what their asker may not see" in found["reason"]


def test_a_question_that_cannot_be_asked_is_left_out(questions, monkeypatch):
    asked = gate.Asker.ask

    def fragile(self, query, groups=(), *rest):
        if "parental" in query:
            raise RuntimeError("broken")
        return asked(self, query, groups, *rest)

    monkeypatch.setattr(gate.Asker, "ask", fragile)
    found = gate.judge(candidate())
    assert found["verdict"] == "passed"
    assert found["evidence"]["n"] == 5


def test_a_release_that_breaks_on_questions_which_the_old_one_answers_fails(questions, monkeypatch):
    build, asked = candidate(), gate.Asker.ask

    def fragile(self, query, groups=(), *rest):
        if self.snapshot.build_id == build.pk:
            raise AttributeError("broken")
        return asked(self, query, groups, *rest)

    monkeypatch.setattr(gate.Asker, "ask", fragile)
    found = gate.judge(build)
    assert found["verdict"] == "failed"
    assert found["evidence"]["value"] == -1


def test_it_takes_no_longer_than_it_may(questions, monkeypatch):
    monkeypatch.setattr(gate, "_PART", 3)
    monkeypatch.setattr(gate, "SECONDS", 0.0)
    found = gate.judge(candidate())
    assert found["asked"] == 0
    assert found["verdict"] == "skipped"


def test_a_new_version_that_does_not_answer_yet_is_judged_by_its_own_words(questions, office):
    """An upload that moves the words passes; one that drops them leaves the questions out."""
    words = "# Parking\n\n" + "Bicycles stand in the yard. " * 30
    add_version(office["parking"], words + "\n\nAsk the front desk for a parking badge.")
    indexing.process_version(office["parking"].versions.first().pk)
    request_rebuild()
    assert indexing.build_index()
    latest = IndexBuild.objects.get(state="active")
    assert latest.gate["verdict"] == "passed", latest.gate
    assert latest.gate["evidence"]["n"] == 6


class Deaf(BagOfWordsEmbedder):
    """A model that hears no difference between words."""

    def _vector(self, text):
        return np.full(self.dimension, self.dimension**-0.5, dtype=np.float32)


# What a document says, and what is asked: near to each other for the fake model, which knows six
# letters of a word, and different words for a lexical index.
PAIRS = {
    "market": "marketplace",
    "garden": "gardenia",
    "window": "windowsill",
    "summer": "summertime",
    "winter": "wintergreen",
    "butter": "butterfly",
    "hammer": "hammerhead",
    "copper": "copperplate",
    "finger": "fingerprint",
    "silver": "silverware",
    "powder": "powderpuff",
    "timber": "timberline",
}


@pytest.fixture
def by_meaning(golden, ask, tmp_path):
    """Questions whose evidence nothing but the embedding model finds."""
    documents = [PublicDocument(word, word, f"The {word} team.") for word in PAIRS]
    load(documents, VectorShelf(tmp_path / "vectors", "fake"), lambda words: None)
    for word, asked in PAIRS.items():
        ask(asked, Document.objects.get(title=word), f"The {word} team.")


def test_a_worse_embedding_model_is_refused_until_staff_let_it_in(golden, by_meaning, bob):
    """The old model is gone by then: its release is held against by its last run."""
    before = runs.create(Wanted(golden))
    runs.execute(before.pk)
    conf.set_embedder(Deaf("deaf@1"))
    request_rebuild()
    indexing.build_index()
    refused = IndexBuild.objects.get(state="refused")
    assert refused.gate["verdict"] == "failed"
    assert refused.gate["evidence"]["value"] < -0.3
    assert IndexBuild.objects.get(state="active").model == "bag-of-words@1"
    override_gate(refused, bob, "We know.")
    assert IndexBuild.objects.get(state="active").pk == refused.pk


def test_documents_are_untouched_by_a_gate(questions, office):
    before = list(Document.objects.order_by("pk").values_list("pk", "active_version"))
    gate.judge(candidate(without=[office["parking"]]))
    assert list(Document.objects.order_by("pk").values_list("pk", "active_version")) == before
    assert IndexBuild.objects.filter(state="active").count() == 1
