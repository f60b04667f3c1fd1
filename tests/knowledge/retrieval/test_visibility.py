"""A row that is not allowed never comes back, whatever is asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.retrieval.backends.files import FileIndex, Options
from knowledge.retrieval.retriever import RetrieverConfig, retrieve
from tests.knowledge.retrieval.making import EMBEDDER, index

WORDS = ["leave", "sick", "pay", "pension", "desk", "travel", "training", "lunch"]
DOCUMENTS = 60


@pytest.fixture(scope="module")
def many_folder(tmp_path_factory):
    texts, documents = [], []
    for number in range(300):
        texts.append(f"{WORDS[number % 8]} {WORDS[number % 7]} rule {number} for everyone")
        documents.append(number % DOCUMENTS)
    folder = tmp_path_factory.mktemp("many")
    index(folder, texts, documents)
    return folder / "build"


@pytest.fixture(scope="module")
def many(many_folder):
    return FileIndex.open(many_folder)


AUDIENCES = st.one_of(
    st.none(),
    st.sets(st.integers(0, DOCUMENTS + 5)),
    st.sets(st.integers(0, DOCUMENTS - 1), min_size=DOCUMENTS - 5),
)


@settings(max_examples=60, deadline=None)
@given(AUDIENCES, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.integers(1, 400))
def test_forbidden_rows_never_come_back(many, audience, words, limit):
    allowed = many.allow(audience)
    query = " ".join(words)
    vector = EMBEDDER.embed_query(query)
    may_see = set(range(DOCUMENTS)) if audience is None else audience
    found = [*many.dense(vector, allowed, limit), *many.lexical(query, allowed, limit)]
    assert may_see.issuperset(many.documents([hit.row for hit in found]))
    hits = retrieve(query, vector, many, allowed, RetrieverConfig(limit=limit)).hits
    assert all(hit.document_id in may_see for hit in hits)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, DOCUMENTS - 1), min_size=1))
def test_everything_allowed_is_found(many, audience):
    allowed = many.allow(audience)
    expected = set(np.flatnonzero(allowed.mask).tolist())
    assert {hit.row for hit in many.dense(EMBEDDER.embed_query("rule"), allowed, 300)} == expected
    assert {hit.row for hit in many.lexical("rule", allowed, 300)} == expected


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.integers(0, DOCUMENTS - 1)),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    st.integers(1, 40),
    st.sampled_from([0, 3, 10**9]),  # always a clause, as it comes, never one
)
def test_a_reader_of_some_documents_gets_the_best_of_them_by_words(
    many_folder, audience, words, limit, clause_cost
):
    index = FileIndex.open(many_folder, options=Options(clause_cost=clause_cost))
    query = " ".join(words)
    allowed = index.allow(audience)
    every = index.lexical(query, index.allow(None), 300)
    expected = [hit.score for hit in every if allowed.mask[hit.row]][:limit]
    found = index.lexical(query, allowed, limit)
    assert [hit.score for hit in found] == pytest.approx(expected)
    assert all(allowed.mask[hit.row] for hit in found)


def test_nobody_sees_nothing(many):
    nobody = many.allow(set())
    assert nobody.count == 0
    assert many.dense(EMBEDDER.embed_query("leave"), nobody, 10) == []
    assert many.lexical("leave", nobody, 10) == []
    assert retrieve("leave", None, many, nobody, RetrieverConfig()).hits == ()
