"""Files of questions: all of it or nothing, an error names its line, and twice is once."""

import gzip
import json
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from core.errors import Conflict
from evaluation.files import BadFile, read, read_bytes
from evaluation.importing import import_questions, prepare
from evaluation.models import Evidence, Question, QuestionSet
from evaluation.sets import accepted, as_lines, check, content_hash, freeze, thaw

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

LEAVE = {"document": "Leave policy"}
CARRIED = {
    "question": "How much leave is carried?",
    "expected": "Five days.",
    "evidence": [{**LEAVE, "quote": "Up to five days of annual leave", "grade": 2}],
}
PERU = {"question": "What is the capital of Peru?", "answerable": False}


def by(evidence):
    """A question with one piece of evidence."""
    return {"question": "x", "evidence": [evidence]}


def lines(*values) -> bytes:
    return "\n".join(v if isinstance(v, str) else json.dumps(v) for v in values).encode()


def bring(golden, *values):
    return import_questions(golden, prepare(read_bytes(lines(*values))))


def test_questions_come_with_their_evidence(golden, office):
    done = bring(golden, CARRIED, "", PERU)
    assert (done.added, done.changed, done.unchanged, done.loose) == (2, 0, 0, 0)
    carried, peru = Question.objects.order_by("pk")
    evidence = carried.evidence.get()
    assert (evidence.document, evidence.grade) == (office["leave"], 2)
    assert (carried.reference_answer, carried.status) == ("Five days.", "accepted")
    assert (peru.expected_outcome, peru.kind) == ("not_found", "unanswerable")


def test_twice_is_once_and_a_change_is_a_change(golden, office):
    bring(golden, CARRIED, PERU)
    ids = set(Question.objects.values_list("pk", flat=True))
    assert bring(golden, CARRIED, PERU).unchanged == 2
    done = bring(golden, {**CARRIED, "expected": "Five."}, PERU)
    assert (done.added, done.changed, done.unchanged) == (0, 1, 1)
    assert set(Question.objects.values_list("pk", flat=True)) == ids
    assert Evidence.objects.count() == 1
    assert Question.objects.filter(reference_answer="Five.").exists()


def test_a_status_that_staff_set_stays(golden, office):
    bring(golden, CARRIED)
    Question.objects.update(status="retired")
    bring(golden, {**CARRIED, "expected": "Five."})
    assert Question.objects.get().status == "retired"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "not JSON"),
        ("[1]", "one JSON object"),
        ("[" * 100_000, "not JSON"),
        ({}, "“question” is missing"),
        ({"question": "   "}, "“question” is missing"),
        ({"question": 7}, "must be a text"),
        ({"question": "x" * 5001}, "more than 5000"),
        ({"question": "x", "evidense": []}, "no field “evidense”"),
        ({"question": "x", "evidence": {}}, "list of objects"),
        ({"question": "x", "evidence": [1]}, "list of objects"),
        (by({"quote": "x"}), "“document” must be"),
        (by({"document": True}), "“document” must be"),
        (by({**LEAVE, "page": 1}), "no field “page”"),
        (by({"document": "No such"}), "no document “No such”"),
        (by({"document": 2**70}), "no document"),
        (by({**LEAVE, "grade": 4}), "from 1 to 3"),
        (by({**LEAVE, "quote": "q" * 4001}), "at most 4000"),
        ({"question": "x", "answerable": "yes"}, "true or false"),
        ({**by(LEAVE), "answerable": False}, "has no evidence"),
        ({"question": "x", "kind": "hard"}, "must be one of"),
        ({"question": "x", "groups": ["nobody"]}, "no group “nobody”"),
        ({"question": "x", "groups": "hr"}, "list of texts"),
        ({"question": "x", "history": [{"role": "system", "text": "x"}]}, "user or assistant"),
        (CARRIED, "same question stands in line 1"),
    ],
)  # fmt: skip
def test_an_error_names_its_line_and_nothing_is_half_imported(golden, office, line, words):
    with pytest.raises(BadFile, match=words) as caught:
        bring(golden, CARRIED, "", line)
    assert str(caught.value).startswith("Line 3: ")
    assert not Question.objects.exists()


def test_bytes_that_are_not_utf8_and_broken_archives_are_refused():
    with pytest.raises(BadFile, match="Line 2: This is not UTF-8"):
        read_bytes(b'{"question": "x"}\n{"question": "\xff"}')
    with pytest.raises(BadFile, match="does not unpack"):
        read_bytes(gzip.compress(lines(PERU))[:-6])
    for empty in (b"", b"\n\n", gzip.compress(b"")):
        with pytest.raises(BadFile, match="no questions"):
            read_bytes(empty)
    assert read_bytes(b"\xef\xbb\xbf" + gzip.decompress(gzip.compress(lines(PERU))))


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr("evaluation.files.reading.MAX_BYTES", 1000)
    with pytest.raises(BadFile, match="more than"):
        read_bytes(gzip.compress(b" " * 5000))


def test_marks_that_a_database_refuses_are_dropped(golden, office):
    bring(golden, {**CARRIED, "question": "How\u0000 much\ud800?"})
    assert Question.objects.get().text == "How much?"


def test_of_two_documents_with_one_title_it_is_the_one_with_the_quote(golden, office, add_text):
    add_text("Leave policy", "# Leave\n\nNobody carries anything.")
    bring(golden, CARRIED)
    assert Evidence.objects.get().document == office["leave"]
    vague = {"question": "Which?", "evidence": [{"document": "Leave policy", "quote": "no such"}]}
    with pytest.raises(BadFile, match="Several documents"):
        bring(golden, vague)


def test_a_document_is_named_by_number_or_source_too(golden, office, add_text):
    sourced = add_text("Memo", "# Memo\n\nThe gate closes at nine.", source="memos/gate.md")
    bring(
        golden,
        {"question": "One?", "evidence": [{"document": office["leave"].pk, "quote": "five days"}]},
        {"question": "Two?", "evidence": [{"document": "memos/gate.md", "quote": "gate closes"}]},
    )
    assert [e.document_id for e in Evidence.objects.order_by("pk")] == [
        office["leave"].pk,
        sourced.pk,
    ]


def test_a_quote_that_is_not_there_is_taken_and_told(golden, office):
    loose = by({"document": "Parking", "quote": "no such words"})
    assert bring(golden, loose).loose == 1
    assert [f.problem for f in check(golden)] == ["The quote is not in the document's text."]


def test_check_tells_of_groups_and_of_documents_that_the_asker_may_not_read(golden, office, ask):
    ask("Grade seven?", office["pay"], "grade seven")
    Group.objects.create(name="it")
    gone = ask("Grade?", office["pay"], "grade seven", as_groups=["hr", "it"])
    assert ["Pay scale" in f.problem for f in check(golden)] == [True]
    Group.objects.get(name="it").delete()
    problems = [f.problem for f in check(golden) if f.question == gone]
    assert problems == ["There is no group “it” any more."]


def test_a_frozen_set_takes_nothing_until_it_is_thawed(golden, office):
    bring(golden, CARRIED)
    freeze(golden)
    with pytest.raises(Conflict, match="frozen"):
        bring(golden, PERU)
    golden.refresh_from_db()
    assert golden.content_hash == content_hash(accepted(golden))
    thaw(golden)
    bring(golden, PERU)


def test_an_exported_set_comes_back_as_it_was(golden, office, questions):
    text = "\n".join(as_lines(golden))
    other = QuestionSet.objects.create(name="Copy", slug="copy")
    done = import_questions(other, prepare(read_bytes(text.encode())))
    assert done.added == len(questions)
    assert done.loose == 0
    assert content_hash(accepted(other)) == content_hash(accepted(golden))


def test_the_hash_follows_what_is_asked_and_nothing_else(golden, office, questions):
    before = content_hash(accepted(golden))
    Question.objects.filter(pk=questions[0].pk).update(reference_answer="x")
    assert content_hash(accepted(golden)) == before
    Evidence.objects.filter(question=questions[0]).update(quote="annual leave")
    assert content_hash(accepted(golden)) != before


def test_a_public_set_is_bound_by_quotes_too(golden, office, tmp_path):
    text = "# Leave\n\nUp to five days of annual leave may be carried into the next year."
    start = text.index("five days")
    documents = [{"id": "d1", "title": "Leave policy", "text": text}]
    place = {"document_id": "d1", "start": start, "end": start + 9, "grade": 2}
    questions = [
        {"id": "q1", "question": "Carried?", "relevant": [place], "answerable": True},
        {"id": "q2", "question": "Peru?", "relevant": [], "answerable": False},
    ]
    write(tmp_path, documents, questions)
    import_questions(golden, prepare(read(tmp_path)))
    evidence = Evidence.objects.get()
    assert (evidence.quote, evidence.grade, evidence.question.key) == ("five days", 2, "q1")
    assert evidence.position == pytest.approx(start / len(text))
    assert Question.objects.get(key="q2").expected_outcome == "not_found"


def write(folder, documents, questions):
    for name, values in (("documents", documents), ("questions", questions)):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(json.dumps(value) for value in values))


@pytest.mark.parametrize(
    ("relevant", "words"),
    [
        ([{"document_id": "other"}], "Line 1"),
        ([{"document_id": "d1", "start": 5, "end": 500}], "Line 1"),
        ([{"document_id": "d1", "start": 5}], "Line 1"),
        ("d1", "Line 1"),
    ],
)
def test_places_that_a_public_set_does_not_have_are_refused(tmp_path, relevant, words):
    write(
        tmp_path,
        [{"id": "d1", "title": "T", "text": "short"}],
        [{"id": "q", "question": "Q", "relevant": relevant}],
    )
    with pytest.raises(BadFile, match=words):
        read(tmp_path)
    (tmp_path / "documents.jsonl.gz").unlink()
    with pytest.raises(BadFile, match=r"no documents\.jsonl"):
        read(tmp_path)


def test_squad_binds_the_sentence_around_the_answer(golden, office):
    context = "Leave is granted. Up to five days of annual leave may be carried. The rest lapses."
    answers = [{"text": "five days", "answer_start": context.index("five")}]
    asked = [
        {"id": "a", "question": "How many days?", "answers": answers},
        {"id": "b", "question": "How many weeks?", "answers": [], "is_impossible": True},
    ]
    paragraphs = [{"context": context, "qas": asked}]
    squad = {"data": [{"title": "Leave_policy", "paragraphs": paragraphs}]}
    import_questions(golden, prepare(read_bytes(json.dumps(squad).encode())))
    assert Evidence.objects.get().quote == "Up to five days of annual leave may be carried."
    assert Question.objects.get(key="b").expected_outcome == "not_found"
    del asked[1]["id"]
    with pytest.raises(BadFile, match="Question 2"):
        read_bytes(json.dumps(squad).encode())


def test_the_command_imports_exports_and_checks(office, tmp_path):
    path = tmp_path / "team.jsonl"
    path.write_bytes(lines(CARRIED, PERU))
    out = StringIO()
    call_command("golden", "import", str(path), stdout=out)
    assert out.getvalue() == "team: 2 added, 0 changed, 0 unchanged.\n"
    assert QuestionSet.objects.get(slug="team").kind == "golden"
    call_command("golden", "check", "team", stdout=out)
    assert "All evidence is found." in out.getvalue()
    call_command("golden", "export", "team", "--out", str(tmp_path / "back.jsonl"))
    assert len((tmp_path / "back.jsonl").read_text().splitlines()) == 2


def test_the_command_says_what_is_wrong_and_ends_with_2(office, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(lines(CARRIED, "{"))
    for arguments, words in (
        (("import", str(path)), "Nothing was imported. Line 2"),
        (("import", str(tmp_path / "none.jsonl")), "cannot be read"),
        (("export", "none"), "no question set"),
    ):
        with pytest.raises(CommandError, match=words) as caught:
            call_command("golden", *arguments)
        assert caught.value.returncode == 2
    assert not QuestionSet.objects.exists()


def test_the_check_ends_with_1_where_something_is_wrong(office, tmp_path):
    path = tmp_path / "loose.jsonl"
    path.write_bytes(lines(by({"document": "Parking", "quote": "none"})))
    call_command("golden", "import", str(path), stdout=StringIO(), stderr=StringIO())
    out = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("golden", "check", "loose", stdout=out, stderr=StringIO())
    assert caught.value.code == 1
    assert "x: The quote is not in" in out.getvalue()
