"""An index on disk: written whole, read back, found again, and refused when damaged."""

import dataclasses
import json
import uuid

import numpy as np
import pytest

from knowledge.retrieval.backends.files import FileIndex, IndexRow, Options, build
from knowledge.retrieval.types import BuildFailed, IndexUnusable
from knowledge.retrieval.words import Term, View, question_terms
from tests.knowledge.retrieval.making import EMBEDDER, index, rows

TEXTS = [
    "Everyone has thirty days of leave a year.",
    "The warning C4996 marks a deprecated function.",
    "Call before nine when you are sick.",
    "我们喜欢喝茶。",
    "The rule no-unused-vars finds variables.",
]


@pytest.fixture
def small(tmp_path):
    return index(tmp_path, TEXTS)


def best(found):
    return [hit.row for hit in found]


def test_both_ways_find_the_right_row(small):
    everyone = small.allow(None)
    question = "how many days of leave?"
    assert best(small.dense(EMBEDDER.embed_query(question), everyone, 3))[0] == 0
    assert best(small.lexical(question, everyone, 3)) == [0]


@pytest.mark.parametrize(
    ("question", "row"),
    [("C4996", 1), ("what is no-unused-vars", 4), ("喝茶", 3), ("DEPRECATED functions", 1)],
)
def test_identifiers_other_scripts_and_inflections_are_found(small, question, row):
    assert best(small.lexical(question, small.allow(None), 5))[0] == row


@pytest.mark.parametrize(
    "question",
    [
        '"',
        "(",
        "a:b AND",
        "-leave",
        "*",
        "title:leave OR",
        "\\",
        "",
        " ",
        "🙂",
        "NOT",
        "[1 TO 5]",
        "\x00",
    ],
)
def test_signs_of_a_query_language_mean_nothing(small, question):
    bare = question.translate(str.maketrans(dict.fromkeys('"(:-*\\[]\x00', " ")))
    everyone = small.allow(None)
    assert small.lexical(question, everyone, 5) == small.lexical(bare, everyone, 5)


def test_the_title_is_searched_too(tmp_path):
    found = index(tmp_path, ["Thirty days."], title="Vacation rules")
    assert best(found.lexical("vacation", found.allow(None), 5)) == [0]


def test_rows_know_their_chunk_document_and_vector(small):
    assert small.chunk_ids([2, 0]) == [uuid.UUID(int=3), uuid.UUID(int=1)]
    assert small.documents([4, 0]) == [5, 1]
    assert small.versions() == {1: 10, 2: 20, 3: 30, 4: 40, 5: 50}
    assert list(small.every_chunk())[1] == (uuid.UUID(int=2), 2, 20)
    assert np.array_equal(small.vectors([2, 0]), EMBEDDER.embed_passages([TEXTS[2], TEXTS[0]]))
    assert small.vectors([]).shape == (0, EMBEDDER.dimension)


def test_the_manifest_says_what_was_built(tmp_path):
    made = build(tmp_path / "b", rows(TEXTS), EMBEDDER.dimension, {"model": "bag@1"})
    assert (made.rows, made.documents, made.dimension) == (5, 5, EMBEDDER.dimension)
    assert made.extra == {"model": "bag@1"}
    on_disk = sum(f.stat().st_size for f in (tmp_path / "b").rglob("*") if f.suffix != ".lock"
                  and f.is_file())  # fmt: skip
    assert made.bytes == on_disk
    assert FileIndex.open(tmp_path / "b").manifest == made


def test_a_folder_may_be_renamed_after_the_build(tmp_path):
    build(tmp_path / "tmp", rows(TEXTS), EMBEDDER.dimension, {})
    (tmp_path / "tmp").rename(tmp_path / "final")
    opened = FileIndex.open(tmp_path / "final", verify=True)
    assert best(opened.lexical("leave", opened.allow(None), 1)) == [0]


def test_an_open_index_answers_on_when_its_folder_is_deleted(tmp_path, small):
    for path in sorted((tmp_path / "build").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert best(small.lexical("leave", small.allow(None), 1)) == [0]
    assert best(small.dense(EMBEDDER.embed_query("thirty leave days"), small.allow(None), 1)) == [0]


def test_an_index_of_nothing_finds_nothing(tmp_path):
    empty = index(tmp_path, [])
    everyone = empty.allow(None)
    assert everyone.count == 0
    assert empty.dense(EMBEDDER.embed_query("anything"), everyone, 5) == []
    assert empty.lexical("anything", everyone, 5) == []


def test_more_is_asked_for_than_there_is(small):
    assert len(small.dense(EMBEDDER.embed_query("leave"), small.allow(None), 500)) == 5
    assert len(small.dense(EMBEDDER.embed_query("leave"), small.allow({1, 3}), 500)) == 2
    assert small.dense(EMBEDDER.embed_query("leave"), small.allow(None), 0) == []
    assert small.lexical("leave", small.allow(None), 0) == []


def test_a_vector_that_is_not_a_number_finds_nothing(small):
    broken = np.full(EMBEDDER.dimension, np.nan, dtype=np.float32)
    assert small.dense(broken, small.allow(None), 5) == []


def test_a_vector_of_another_model_is_an_error(small):
    with pytest.raises(ValueError, match="vector"):
        small.dense(np.ones(3, dtype=np.float32), small.allow(None), 5)


def test_rare_terms_weigh_more_and_unknown_ones_most(tmp_path):
    found = index(tmp_path, ["common rare", "common", "common words"])
    common, rare, unknown = (
        found.lexical_weight(Term(text, View.WORD)) for text in ("common", "rare", "unknown")
    )
    assert 0 < common < rare < unknown


def test_it_says_which_terms_stand_in_which_rows(small):
    terms = question_terms("leave days of the sick, C4996")
    found = small.matches(terms, [0, 1, 2])
    assert {term.text for term in found[0]} == {"leav", "day"}
    assert {(term.text, term.view) for term in found[1]} == {
        ("c4996", View.EXACT),
        ("c4996", View.WORD),
    }
    assert {term.text for term in found[2]} == {"sick"}


def test_twenty_terms_are_told_apart(tmp_path):
    names = [f"term{number}" for number in range(20)]
    found = index(tmp_path, [" ".join(names), " ".join(names[::2]), "nothing"])
    terms = [Term(name, View.WORD) for name in names]
    matched = found.matches(terms, [0, 1, 2])
    assert matched == {0: frozenset(terms), 1: frozenset(terms[::2]), 2: frozenset()}


def test_a_build_refuses_what_is_not_sound(tmp_path):
    good = rows(TEXTS)
    bad = {
        "twice": [*good, good[0]],
        "length": [dataclasses.replace(good[0], vector=good[0].vector * 2)],
        "nan": [dataclasses.replace(good[0], vector=good[0].vector * np.nan)],
        "dimension": [dataclasses.replace(good[0], vector=np.ones(3, dtype=np.float32))],
    }
    for name, given in bad.items():
        with pytest.raises(BuildFailed):
            build(tmp_path / name, given, EMBEDDER.dimension, {})


def test_a_folder_that_holds_something_is_not_built_into(tmp_path):
    build(tmp_path / "b", rows(TEXTS), EMBEDDER.dimension, {})
    with pytest.raises(BuildFailed):
        build(tmp_path / "b", rows(TEXTS), EMBEDDER.dimension, {})


def parts(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_every_file_cut_short_is_noticed_without_a_checksum(tmp_path):
    build(tmp_path / "b", rows(TEXTS), EMBEDDER.dimension, {})
    for path in parts(tmp_path / "b"):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(IndexUnusable):
            FileIndex.open(tmp_path / "b")
        path.write_bytes(whole)
    FileIndex.open(tmp_path / "b")


def test_every_flipped_bit_and_missing_file_is_noticed_with_one(tmp_path):
    build(tmp_path / "b", rows(TEXTS), EMBEDDER.dimension, {})
    for path in parts(tmp_path / "b"):
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 8]) + whole[middle + 1 :])
        if path.name != "manifest.json":
            with pytest.raises(IndexUnusable):
                FileIndex.open(tmp_path / "b", verify=True)
        path.unlink()
        with pytest.raises(IndexUnusable):
            FileIndex.open(tmp_path / "b")
        path.write_bytes(whole)


def test_an_index_of_another_format_is_refused(tmp_path):
    build(tmp_path / "b", rows(TEXTS), EMBEDDER.dimension, {})
    manifest = tmp_path / "b" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(IndexUnusable, match="format 99"):
        FileIndex.open(tmp_path / "b")


def test_without_faiss_numpy_reads_the_same_files_with_the_same_result(tmp_path, small):
    plain = FileIndex.open(tmp_path / "build", options=Options(with_faiss=False))
    question = EMBEDDER.embed_query("thirty days of leave when sick")
    for audience in (None, {1, 3, 5}):
        expected = small.dense(question, small.allow(audience), 3)
        found = plain.dense(question, plain.allow(audience), 3)
        assert best(found) == best(expected)
        scores = [hit.score for hit in expected]
        assert [hit.score for hit in found] == pytest.approx(scores, rel=1e-4)
    assert np.array_equal(plain.vectors([1, 4]), small.vectors([1, 4]))


def test_rows_of_an_index_are_what_was_given(tmp_path):
    given: list[IndexRow] = rows(TEXTS, documents=[7, 7, 9, 9, 9])
    build(tmp_path / "b", iter(given), EMBEDDER.dimension, {})
    opened = FileIndex.open(tmp_path / "b")
    assert opened.manifest.documents == 2
    assert opened.allow({9}).mask.tolist() == [False, False, True, True, True]
