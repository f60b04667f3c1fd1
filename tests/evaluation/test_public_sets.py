"""Public sets: loaded in bulk by the product's own parts, asked by every method, compared."""

import gzip
import io
import json

import pytest
from django.core.management import CommandError, call_command

from evaluation.files.values import BadFile, PublicDocument, PublicQuestion
from evaluation.public import installation
from evaluation.public.installation import FolderInUse, Order, measure_set, names_of
from evaluation.public.loading import load
from evaluation.public.measuring import Task, measure
from evaluation.public.methods import METHODS, reciprocal
from evaluation.public.report import POOLED, groups, summary, table
from evaluation.public.shelf import VectorShelf
from evaluation.public.variants import Variant, grade_of, variants
from knowledge import index_store
from knowledge.models import Chunk, Document, DocumentVersion
from knowledge.retrieval.types import Scored
from knowledge.search import search

TEXTS = {
    "leave": "# Leave\n\nUp to five days of annual leave may be carried into the next year.",
    "parking": "# Parking\n\nAsk the front desk for a parking badge.",
    "pay": "The salary band of grade seven begins at ninety thousand.",
}
DOCUMENTS = [PublicDocument(name, name.title(), text) for name, text in TEXTS.items()]
QUIET = lambda words: None  # noqa: E731


def question(key, text, document="", words="", **values):
    relevant = []
    if document:
        start = TEXTS[document].index(words)
        relevant = [{"document_id": document, "start": start, "end": start + len(words)}]
    is_answerable = bool(document)
    return PublicQuestion(key, text, tuple(relevant), is_answerable, values)


QUESTIONS = [
    question("q1", "How much annual leave is carried?", "leave", "five days of annual leave"),
    question("q2", "Where is a parking badge?", "parking", "front desk"),
    question("q3", "Where does grade seven begin?", "pay", "ninety thousand"),
    question("q4", "Which zebra sings?"),
]


@pytest.fixture
def shelf(tmp_path):
    return VectorShelf(tmp_path / "vectors", "bag-of-words")


def asked(documents=DOCUMENTS, questions=QUESTIONS, methods=METHODS):
    out = io.StringIO()
    task = Task("office", {document.id: document for document in documents}, methods)
    lost = measure(task, variants("office", questions, None), out, QUIET)
    return [json.loads(line) for line in out.getvalue().splitlines()], lost


@pytest.mark.django_db
class TestInside:
    """What the process of a set does, with the tests' own embedder."""

    def test_documents_go_through_the_products_reader_splitter_and_index(self, shelf):
        loaded = load(DOCUMENTS, shelf, QUIET)
        assert (loaded.documents, loaded.chunks) == (3, 3)
        assert Chunk.objects.get(version__document__title="Leave").heading == "Leave"
        found = search("parking badge", user=None)
        assert found.passages[0].title == "Parking"

    def test_an_attempt_that_was_killed_is_taken_up_where_it_was(self, shelf):
        load(DOCUMENTS[:2], shelf, QUIET)
        ids = set(Document.objects.values_list("pk", flat=True))
        assert load(DOCUMENTS, shelf, QUIET).chunks == 3
        assert ids < set(Document.objects.values_list("pk", flat=True))
        assert DocumentVersion.objects.count() == 3

    def test_a_vector_that_is_on_the_shelf_is_not_made_again(self, shelf, fake_embedder):
        load(DOCUMENTS, shelf, QUIET)
        assert fake_embedder.embedded
        Document.objects.all().delete()
        index_store.forget()
        fake_embedder.embedded.clear()
        load(DOCUMENTS, shelf, QUIET)
        assert fake_embedder.embedded == []

    def test_progress_says_how_much_is_left(self, shelf, monkeypatch):
        monkeypatch.setattr("evaluation.public.loading._EVERY_SECONDS", 0.0)
        said = []
        load(DOCUMENTS, shelf, said.append)
        assert said[0] == "3 of 3 documents, about 0 s left"
        assert said[-1].startswith("indexed 3 chunks of 3 documents")

    def test_a_document_without_text_or_title_is_no_hindrance(self, shelf):
        odd = [PublicDocument("a/b.md", "", "Some words."), PublicDocument("e", "Empty", "\n \n")]
        assert load([*DOCUMENTS, *odd], shelf, QUIET).chunks == 4
        assert search("some words", user=None).passages[0].title == ""

    def test_every_method_is_asked_every_question(self, shelf):
        load(DOCUMENTS, shelf, QUIET)
        lines, lost = asked()
        assert lost == 0
        assert [line["key"] for line in lines] == ["q1", "q2", "q3", "q4"]
        assert set(lines[0]["methods"]) == set(METHODS)
        assert lines[0]["methods"]["product"]["ndcg@10"] == 1
        assert lines[0]["methods"]["product"]["evidence@5"] == 1
        assert "ndcg@10" not in lines[3]["methods"]["product"]
        assert not lines[3]["is_answerable"]

    def test_only_the_methods_that_were_asked_for_are_reported(self, shelf):
        load(DOCUMENTS, shelf, QUIET)
        lines, _ = asked(methods=("product", "bm25"))
        assert set(lines[0]["methods"]) == {"product", "bm25"}
        assert set(summary(lines)["office"]["differences"]) == {"bm25"}

    def test_a_span_that_the_reader_dropped_is_counted_and_not_scored(self, shelf):
        hidden = PublicDocument("h", "Hidden", "Shown words. <!-- a hidden note -->")
        load([hidden], shelf, QUIET)
        start = hidden.text.index("a hidden note")
        relevant = ({"document_id": "h", "start": start, "end": start + 13},)
        lines, lost = asked([hidden], [PublicQuestion("q", "Shown?", relevant, True)])
        assert lost == 1
        assert "evidence@5" not in lines[0]["methods"]["product"]
        assert lines[0]["methods"]["product"]["recall@5"] == 1

    def test_a_language_is_searched_in_its_own_documents(self, shelf):
        pair = [
            PublicDocument("de-0", "Urlaub", "Der Urlaub dauert fünf Tage.", "de"),
            PublicDocument("en-0", "Leave", "The Urlaub lasts five days.", "en"),
        ]
        load(pair, shelf, QUIET)
        relevant = ({"document_id": "de-0", "start": 0, "end": 10},)
        one = PublicQuestion("q", "Urlaub?", relevant, True, {"lang": "de"})
        lines, _ = asked(pair, [one])
        assert lines[0]["variant"] == "office de"
        assert {m["recall@1"] for m in lines[0]["methods"].values()} == {1}


class TestVariants:
    def test_languages_are_asked_apart_and_across_on_request(self):
        questions = [
            PublicQuestion(
                f"{lang}-1",
                f"text {lang}",
                ({"document_id": f"d-{lang}"},),
                is_answerable=True,
                values={"lang": lang, "base_id": "1"},
            )
            for lang in ("de", "en")
        ]
        names = [v.name for v in variants("x", questions, None)]
        assert names == ["x de", "x en"]
        across = variants("x", questions, None, across=True)[-1]
        assert (across.name, across.language, across.is_main) == ("x en>de", "de", False)
        assert across.questions[0].text == "text en"
        assert across.questions[0].relevant[0]["document_id"] == "d-de"

    def test_a_rewritten_question_is_the_ceiling_and_not_pooled(self):
        one = PublicQuestion("1", "and then?", (), True, {"rewrite": "What comes then?"})
        plain, rewritten = variants("x", [one], None)
        assert rewritten.questions[0].text == "What comes then?"
        assert (plain.is_main, rewritten.is_main) == (True, False)

    def test_a_sample_is_the_same_in_every_language(self):
        many = [
            PublicQuestion(f"{lang}-{n}", "t", (), True, {"lang": lang, "base_id": str(n)})
            for lang in ("de", "en")
            for n in range(20)
        ]
        german, english = variants("x", many, 5)
        chosen = [{q.values["base_id"] for q in v.questions} for v in (german, english)]
        assert chosen[0] == chosen[1]
        assert len(chosen[0]) == 5

    def test_grades_count_alike_where_published_figures_do_so(self):
        assert grade_of("identifiers", {"grade": 2}) == 2
        assert grade_of("scifact", {"grade": 2}) == 1
        assert grade_of("faq", {}) == 1
        assert Variant("x", ()).is_main


def test_reciprocal_rank_fusion_adds_what_both_lists_say():
    dense, lexical = [Scored(1, 0.9), Scored(2, 0.8)], [Scored(2, 7.0), Scored(3, 6.0)]
    fused = reciprocal(dense, lexical)
    assert [hit.row for hit in fused] == [2, 1, 3]
    assert fused[0].score == pytest.approx(1 / 62 + 1 / 61)


def line(key, set_name, scores, **fields):
    methods = {name: {"score": 0.5, "ndcg@10": score} for name, score in scores.items()}
    return {
        "key": key, "set": set_name, "variant": set_name, "is_main": True, "kind": "",
        "is_answerable": True, "claims": True, "fault": "", "ms": 2.0, "degraded": [],
        "methods": methods, **fields,
    }  # fmt: skip


def test_the_table_pools_the_queries_of_all_sets_and_marks_what_is_sure():
    lines = [line(str(n), "a", {"product": 1.0, "bm25": 0.5 + 0.1 * (n % 3)}) for n in range(60)]
    lines += [line(str(n), "b", {"product": 0.5, "bm25": 0.5}) for n in range(20)]
    lines += [line("x", "b", {"product": 0.0, "bm25": 1.0}, variant="b (rewritten)", is_main=False)]
    assert len(groups(lines)[POOLED]) == 80
    found = summary(lines)
    assert found["a"]["differences"]["bm25"]["ndcg@10"]["value"] == pytest.approx(0.4)
    assert found[POOLED]["differences"]["bm25"]["ndcg@10"]["n"] == 80
    assert "auc" not in found[POOLED]["methods"]["product"]
    text = table(found)
    assert "+0.400 [" in text
    assert "]*" in text
    assert "+0.000 [+0.000, +0.000] " in text


def test_a_figure_that_is_no_number_is_an_error_and_no_score():
    with pytest.raises(ValueError, match=r"ndcg@10"):
        summary([line("1", "a", {"product": float("nan")})])


def test_two_folders_of_one_name_have_names_of_their_own(tmp_path):
    assert names_of([tmp_path / "x" / "set", tmp_path / "y" / "set"]) == ["set", "set-2"]


@pytest.fixture
def folder(tmp_path):
    """A small public set on disk."""
    made = tmp_path / "office"
    made.mkdir()
    documents = [{"id": d.id, "title": d.title, "text": d.text} for d in DOCUMENTS]
    questions = [
        {
            "id": q.id,
            "question": q.text,
            "relevant": list(q.relevant),
            "answerable": q.is_answerable,
        }
        for q in QUESTIONS
    ]
    for name, values in (("documents", documents), ("questions", questions)):
        with gzip.open(made / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(json.dumps(value) for value in values))
    return made


def order(folder, tmp_path):
    return Order(str(folder), "office", str(tmp_path / "out"), str(tmp_path / "vectors"), METHODS)


def test_two_evaluations_do_not_share_a_folder(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(installation, "_key", lambda folder: "k")
    (tmp_path / "office-k").mkdir()
    with installation._alone(tmp_path / "office-k"), pytest.raises(FolderInUse, match="Another"):
        measure_set(order(folder, tmp_path), tmp_path)


def test_other_documents_or_settings_are_another_installation(folder, settings):
    before = installation._key(folder)
    assert installation._key(folder) == before
    settings.CHUNK_TOKENS = 100
    assert installation._key(folder) != before
    settings.CHUNK_TOKENS = 220
    (folder / "documents.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    assert installation._key(folder) != before
    (folder / "documents.jsonl.gz").unlink()
    with pytest.raises(BadFile, match="no documents"):
        installation._key(folder)


@pytest.mark.model
def test_a_set_is_measured_in_an_installation_of_its_own(folder, tmp_path):
    """Processes of its own with the real model; this one has no database here, and needs none.

    A set beside it whose process ends badly does not take its figures along.
    """
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "documents.jsonl").write_text('{"id": 1}')
    (broken / "questions.jsonl").write_text("")
    out, figures = io.StringIO(), tmp_path / "figures.json"
    options = ("--keep", str(tmp_path / "keep"), "--json", str(figures))
    with pytest.raises(CommandError, match="broken: the process") as caught:
        call_command("evaluate", "--folder", str(broken), str(folder), *options, stdout=out)
    assert caught.value.returncode == 2
    assert "office                    product" in out.getvalue()
    assert "3 documents, 3 chunks" in out.getvalue()
    found = json.loads(figures.read_text())
    assert found["sets"]["office"]["methods"]["product"]["recall@5"]["value"] == 1
    assert found["sets"]["office"]["methods"]["product"]["evidence@5"]["value"] == 1
    assert found["facts"]["office"]["seconds"] > 0
    call_command("evaluate", "--folder", str(folder), *options, stdout=out)
    again = json.loads(figures.read_text())
    assert again["facts"]["office"]["seconds"] == 0
    assert again["sets"]["office"]["methods"] == found["sets"]["office"]["methods"]
