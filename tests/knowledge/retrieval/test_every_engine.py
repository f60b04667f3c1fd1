"""What every search engine must do: whoever adds one runs these tests on it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from knowledge.retrieval.retriever import RetrieverConfig, retrieve
from knowledge.retrieval.types import BuildFailed, IndexRow, IndexUnusable
from knowledge.retrieval.words import question_terms
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.retrieval.engines import ENGINES, clear, engine
from tests.knowledge.retrieval.making import rows

EMBEDDER = BagOfWordsEmbedder()
TEXTS = [
    "Parental leave lasts 52 weeks, of which 18 are paid in full.",
    "Bicycles are kept in the cellar behind the red door.",
    "The error C4996 says that a function is deprecated; see /W3.",
    "Reisekosten werden innerhalb von vier Wochen erstattet.",
    "年假为每年二十五天，须提前申请。",
    "تُصرف الرواتب في اليوم الأخير من كل شهر.",
    "Leave for moving house is one day a year.",
]


@pytest.fixture(scope="module", params=ENGINES)
def started(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with engine(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture
def made(started: Any) -> Iterator[Any]:
    yield started
    clear(started)


@pytest.fixture
def index(made: Any) -> Any:
    made.build("one", rows(TEXTS), EMBEDDER.dimension, {"model": "bag"})
    return made.open("one", verify=True)


def found(index: Any, query: str, documents: Any = None, limit: int = 10) -> list[int]:
    """The documents of a whole search, best first."""
    vector = EMBEDDER.embed_query(query)
    allowed = index.allow(documents)
    hits = retrieve(query, vector, index, allowed, RetrieverConfig(limit=limit)).hits
    return [hit.document_id for hit in hits]


def by_words(index: Any, query: str, documents: Any = None, limit: int = 10) -> list[int]:
    hits = index.lexical(query, index.allow(documents), limit)
    return index.documents([hit.row for hit in hits])


def many(count: int, per_document: int = 4, seed: int = 7) -> list[IndexRow]:
    """Rows with random vectors around a few centres, as real ones lie."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(12, 64))
    vectors = centres[chance.integers(0, 12, count)] + 0.7 * chance.normal(size=(count, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    words = ["leave", "bicycle", "salary", "door", "error", "month", "code", "paper"]
    return [
        IndexRow(
            UUID(int=at + 1),
            at // per_document + 1,
            (at // per_document + 1) * 10,
            f"Title {at // per_document}",
            "",
            " ".join(chance.choice(words, 6)),
            vectors[at],
        )
        for at in range(count)
    ]


def test_a_release_says_what_it_holds(made: Any, index: Any) -> None:
    manifest = index.manifest
    assert (manifest.rows, manifest.documents) == (7, 7)
    assert manifest.dimension == EMBEDDER.dimension
    assert manifest.extra["model"] == "bag"
    assert manifest.bytes > 0
    assert made.names() == {"one"}
    assert index.versions() == {number: number * 10 for number in range(1, 8)}
    assert sorted(index.every_chunk()) == [
        (UUID(int=number), number, number * 10) for number in range(1, 8)
    ]


def test_the_nearest_come_first_with_their_cosine(index: Any) -> None:
    vector = EMBEDDER.embed_passages([TEXTS[1]])[0]
    best = index.dense(vector, index.allow(None), 3)
    assert index.documents([best[0].row]) == [2]
    assert best[0].score == pytest.approx(1.0, abs=1e-3)
    assert [hit.score for hit in best] == sorted((hit.score for hit in best), reverse=True)
    assert index.vectors([best[0].row])[0] == pytest.approx(vector, abs=1e-6)


def test_a_model_whose_vectors_have_lengths_is_ranked_by_inner_product(made: Any) -> None:
    direction = np.zeros(EMBEDDER.dimension, dtype=np.float32)
    direction[:2] = 3.0, 4.0
    aside = np.zeros(EMBEDDER.dimension, dtype=np.float32)
    aside[0] = 20.0  # another direction, and so long that it wins
    given = [
        replace(row, vector=vector)
        for row, vector in zip(rows(TEXTS[:3]), (direction, aside, direction * 2), strict=True)
    ]
    made.build("lengths", given, EMBEDDER.dimension, {"metric": "dot"})
    index = made.open("lengths", verify=True)
    best = index.dense(direction, index.allow(None), 3)
    assert index.documents([hit.row for hit in best]) == [2, 3, 1]
    assert [hit.score for hit in best] == pytest.approx([60.0, 50.0, 25.0], rel=1e-3)
    assert index.vectors([best[0].row])[0] == pytest.approx(aside, abs=1e-5)
    found = retrieve(TEXTS[1], direction, index, index.allow(None), RetrieverConfig(limit=3)).hits
    assert all(-1.1 < hit.dense < 3 for hit in found)  # about as large as cosines


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("where do bicycles go", 2),
        ("what does c4996 mean", 3),
        ("Wann werden Reisekosten erstattet?", 4),
        ("年假多少天", 5),
        ("متى تصرف الرواتب", 6),
        ("Reisekostenabrechnung erstatten lassen", 4),
    ],
)
def test_words_are_found_in_every_script(index: Any, query: str, document: int) -> None:
    assert by_words(index, query)[0] == document


def test_a_row_outside_the_audience_never_comes_back(index: Any) -> None:
    for limit in (1, 3, 100):
        assert set(found(index, "leave", {7, 2}, limit)) <= {7, 2}
        assert by_words(index, "leave", {7, 2}, limit) == [7]
    assert found(index, "leave", set()) == []
    assert found(index, "leave", {999}) == []
    assert index.allow({1, 2, 999}).count == 2


def test_few_and_many_allowed_documents_are_found_as_a_scan_finds_them(made: Any) -> None:
    stored = many(600)
    made.build("many", stored, 64, {})
    index = made.open("many")
    matrix = np.stack([row.vector for row in stored])
    chance = np.random.default_rng(3)
    for share in (1.0, 0.5, 0.02):
        documents = {n for n in range(1, 151) if chance.random() < share} or {5}
        mask = np.array([row.document_id in documents for row in stored])
        for at in range(0, 600, 60):
            scores = np.where(mask, matrix @ matrix[at], -np.inf)
            best = {stored[row].chunk_id for row in np.argsort(-scores)[: min(10, mask.sum())]}
            hits = index.dense(matrix[at], index.allow(documents), 10)
            assert set(index.chunk_ids([hit.row for hit in hits])) == best


def test_an_extension_hides_what_it_replaces_and_leaves_its_base_alone(
    made: Any, index: Any
) -> None:
    fresh = rows(["Bicycles are kept on the roof.", "The canteen opens at noon."], [2, 8])
    fresh = [
        IndexRow(UUID(int=100 + n), r.document_id, r.document_id * 10 + 1, "", "", r.text, r.vector)
        for n, r in enumerate(fresh)
    ]
    made.extend("two", "one", fresh, {2, 4}, {"model": "bag"})
    later = made.open("two", verify=True)
    assert found(later, "where are bicycles kept")[0] == 2
    assert later.versions() == {1: 10, 2: 21, 3: 30, 5: 50, 6: 60, 7: 70, 8: 81}
    assert UUID(int=2) not in {chunk for chunk, _, _ in later.every_chunk()}
    assert by_words(later, "cellar") == []
    assert by_words(later, "Reisekosten") == []
    assert by_words(later, "canteen") == [8]
    assert by_words(later, "canteen", {1, 2}) == []
    assert later.manifest.rows == 7
    assert by_words(index, "cellar") == [2]
    assert by_words(made.open("one"), "canteen") == []


def test_an_extension_outlives_its_base_and_may_be_extended(made: Any, index: Any) -> None:
    def row(number: int, document: int, text: str) -> IndexRow:
        one = rows([text])[0]
        return IndexRow(UUID(int=number), document, document * 10, "", "", text, one.vector)

    made.extend("two", "one", [row(100, 8, "The canteen opens at noon.")], (), {})
    made.remove("one")
    made.extend("three", "two", [row(101, 9, "The library shuts at six.")], {1}, {})
    last = made.open("three")
    assert by_words(last, "canteen") == [8]
    assert by_words(last, "library") == [9]
    assert by_words(last, "parental") == []
    assert by_words(made.open("two"), "library") == []
    assert by_words(made.open("two"), "parental") == [1]
    assert made.names() == {"two", "three"}


def test_what_breaks_off_leaves_nothing_behind(made: Any, index: Any) -> None:
    def breaking() -> Iterator[IndexRow]:
        yield from rows(TEXTS[:2])
        raise ConnectionResetError("the worker was killed")

    for write in (
        lambda: made.build("broken", breaking(), EMBEDDER.dimension, {}),
        lambda: made.extend("broken", "one", breaking(), (), {}),
    ):
        with pytest.raises((ConnectionResetError, BuildFailed)):
            write()
        assert made.names() == {"one"}
    assert by_words(made.open("one"), "cellar") == [2]


def test_what_does_not_belong_in_an_index_is_refused(made: Any) -> None:
    twice = [*rows(TEXTS[:1]), *rows(TEXTS[:1])]
    with pytest.raises(BuildFailed):
        made.build("twice", twice, EMBEDDER.dimension, {})
    with pytest.raises(BuildFailed):
        made.build("short", rows(TEXTS[:1]), EMBEDDER.dimension - 1, {})
    with pytest.raises(IndexUnusable):
        made.open("absent")
    with pytest.raises(IndexUnusable):
        made.extend("two", "absent", rows(TEXTS[:1]), (), {})
    assert made.names() == set()


def test_removing_twice_is_no_error_and_a_name_may_be_used_again(made: Any, index: Any) -> None:
    made.remove("one")
    made.remove("one")
    assert made.names() == set()
    made.build("one", rows(TEXTS[:2]), EMBEDDER.dimension, {})
    assert made.open("one").manifest.rows == 2


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "'; DROP TABLE x; --",
        "a:b AND (",
        "& | !",
        "\\",
        "%s %(x)s {x}",
        "🦊",
        "\x00x",
        "no-unused-vars a.b_c C4996",
    ],
)
def test_no_question_breaks_a_search(index: Any, query: str) -> None:
    allowed = index.allow(None)
    index.lexical(query, allowed, 5)
    terms = question_terms(query)
    assert set(index.matches(terms, [0, 1])) == {0, 1}
    assert index.dense(np.full(EMBEDDER.dimension, np.nan, np.float32), allowed, 5) == []


def test_rare_terms_weigh_more_and_matches_name_the_terms_of_a_row(index: Any) -> None:
    leave, cellar, unknown = question_terms("leave cellar xylophone")
    weights = [index.lexical_weight(term) for term in (leave, cellar, unknown)]
    assert weights == sorted(weights)
    assert weights[0] < weights[1] < weights[2]
    rows_by_document = {index.documents([row])[0]: row for row in range(7)}
    matched = index.matches([leave, cellar], [rows_by_document[1], rows_by_document[2]])
    assert matched[rows_by_document[1]] == {leave}
    assert matched[rows_by_document[2]] == {cellar}
