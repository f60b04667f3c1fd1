"""The gate of a release: what the team asks must be found as well as before."""

from datetime import timedelta

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone

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
from knowledge.services import (
    add_version,
    delete_document,
    override_gate,
    request_rebuild,
    set_groups,
)
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
    assert found["reason"] == (
        "Evidence among the first five passages: as many of 6 questions as before."
    )
    assert (found["asked"], found["of"]) == (8, 8)


def test_a_release_that_lost_evidence_fails_and_says_by_how_much(questions, office):
    found = gate.judge(candidate(without=[office["parking"]]))
    assert found["verdict"] == "failed"
    assert found["evidence"]["value"] == pytest.approx(-2 / 6)
    assert "2 fewer of 6 questions than before (-33.3 percentage points" in found["reason"]
    assert "At most 2 percentage points fewer are allowed." in found["reason"]


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


def upload(document, text):
    """A new version that a worker has read; no build holds it yet."""
    version = add_version(document, text)
    indexing.process_version(version.pk)
    return version


BICYCLES = "# Parking\n\nBicycles stand in the yard."


def test_a_full_build_whose_new_version_lost_the_passage_is_refused(questions, office):
    """Four of six questions are still found: the two that lost their evidence are misses."""
    upload(office["parking"], BICYCLES)
    request_rebuild()
    indexing.build_index()
    refused = IndexBuild.objects.get(state="refused")
    assert refused.gate["evidence"]["value"] == pytest.approx(-2 / 6)
    assert "2 golden questions lost their evidence" in refused.gate["reason"]
    lost = {(one["question"], one["document"]) for one in refused.gate["lost"] if one["counts"]}
    assert lost == {(one.pk, office["parking"].pk) for one in questions[3:5]}


@pytest.mark.parametrize("how", ["off", "expired", "superseded", "deleted"])
def test_a_document_that_was_taken_out_on_purpose_is_no_miss_but_is_said(
    questions, office, ask, how
):
    ask("How long do parents stay?", office["leave"], "twenty weeks")
    build = candidate()
    parking = Document.objects.filter(pk=office["parking"].pk)
    if how == "off":
        parking.update(is_active=False)
    elif how == "expired":
        parking.update(expires_on=timezone.localdate() - timedelta(days=1))
    elif how == "superseded":
        parking.update(superseded_by=office["leave"])
    else:
        delete_document(office["parking"])
    found = gate.judge(build)
    assert found["verdict"] == "passed", found
    assert found["evidence"]["n"] == 5
    assert {one["question"] for one in found["lost"]} == {one.pk for one in questions[3:5]}
    assert not any(one["counts"] for one in found["lost"])
    assert "2 golden questions could not find all their evidence." in found["reason"]


def test_a_question_with_other_evidence_goes_on_with_it(questions, office):
    Evidence.objects.create(
        question=questions[3], document=office["parking"], quote="park in the garage"
    )
    upload(office["parking"], "# Parking\n\nGet a badge before you park in the garage.")
    request_rebuild()
    indexing.build_index()
    judged = IndexBuild.objects.exclude(gate={}).latest("pk")
    counting = [one["question"] for one in judged.gate["lost"] if one["counts"]]
    assert counting == [questions[4].pk]


def test_what_was_lost_is_on_the_page_of_the_build_and_of_the_run(questions, office, client, bob):
    upload(office["parking"], BICYCLES)
    request_rebuild()
    indexing.build_index()
    client.force_login(bob)
    refused = IndexBuild.objects.get(state="refused")
    for name, pk in (("knowledge_indexbuild", refused.pk), ("evaluation_run", refused.gate["run"])):
        page = client.get(reverse(f"admin:{name}_change", args=[pk])).content.decode()
        assert "Where is a parking badge?" in page
        assert reverse("admin:evaluation_question_change", args=[questions[3].pk]) in page
        assert reverse("admin:knowledge_document_change", args=[office["parking"].pk]) in page
        assert "It counts as a miss." in page


def test_the_page_of_a_gates_run_says_what_it_compared(questions, client, bob):
    found = gate.judge(candidate())
    client.force_login(bob)
    page = client.get(reverse("admin:evaluation_run_change", args=[found["run"]])).content.decode()
    for words in ("All golden questions", "The release that answered then"):
        assert words in page
    assert "Against the release before" in page
    assert "0.000 (0.000 to 0.000)" in page
    assert "Set hash" not in page


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
