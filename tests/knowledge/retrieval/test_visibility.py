"""A row that is not allowed never comes back, whatever is asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.retrieval.backends import files
from knowledge.retrieval.retriever import RetrieverConfig, retrieve
from tests.knowledge.retrieval.making import EMBEDDER, index

WORDS = ["leave", "sick", "pay", "pension", "desk", "travel", "training", "lunch"]
DOCUMENTS = 60


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    texts, documents = [], []
    for number in range(300):
        texts.append(f"{WORDS[number % 8]} {WORDS[number % 7]} rule {number} for everyone")
        documents.append(number % DOCUMENTS)
    return index(tmp_path_factory.mktemp("many"), texts, documents)


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
    assert all(int(many.document_ids[hit.row]) in may_see for hit in found)
    hits = retrieve(query, vector, many, allowed, RetrieverConfig(limit=limit)).hits
    assert all(hit.document_id in may_see for hit in hits)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, DOCUMENTS - 1), min_size=1))
def test_everything_allowed_is_found(many, audience):
    allowed = many.allow(audience)
    expected = set(np.flatnonzero(allowed.mask).tolist())
    assert {hit.row for hit in many.dense(EMBEDDER.embed_query("rule"), allowed, 300)} == expected
    assert {hit.row for hit in many.lexical("rule", allowed, 300)} == expected


@pytest.mark.parametrize("limit", [1, 7, 300])
def test_audiences_too_large_for_a_clause_are_searched_deeper(many, monkeypatch, limit):
    expected = many.lexical("leave rule", many.allow(set(range(30))), limit)
    monkeypatch.setattr(files, "_CLAUSE_MAX", 3)
    allowed = many.allow(set(range(30)))
    assert allowed.narrow.is_open
    found = many.lexical("leave rule", allowed, limit)
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected])
    assert all(allowed.mask[hit.row] for hit in found)


def test_nobody_sees_nothing(many):
    nobody = many.allow(set())
    assert nobody.count == 0
    assert many.dense(EMBEDDER.embed_query("leave"), nobody, 10) == []
    assert many.lexical("leave", nobody, 10) == []
    assert retrieve("leave", None, many, nobody, RetrieverConfig()).hits == ()
