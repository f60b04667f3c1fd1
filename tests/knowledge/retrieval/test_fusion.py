"""Two rankings become one, and rankings are measured."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.retrieval.fusion import fuse
from knowledge.retrieval.metrics import auc, ndcg, recall
from knowledge.retrieval.types import Scored


def rows(fused):
    return [hit.row for hit in fused]


def test_what_both_find_comes_first():
    dense = [Scored(1, 0.9), Scored(2, 0.8), Scored(3, 0.1)]
    lexical = [Scored(2, 12.0), Scored(3, 3.0)]
    assert rows(fuse(dense, lexical)) == [2, 1, 3]


def test_scores_count_and_not_ranks_alone():
    dense = [Scored(1, 0.90), Scored(2, 0.89), Scored(3, 0.10)]
    assert rows(fuse(dense, [Scored(2, 9.0), Scored(1, 1.0)]))[0] == 2
    assert (
        rows(fuse([Scored(1, 0.9), Scored(2, 0.2)], [Scored(2, 5.1), Scored(1, 5.0)], 0.8))[0] == 1
    )


def test_a_stage_that_found_nothing_leaves_the_other_alone():
    only = [Scored(5, 0.5), Scored(6, 0.4)]
    assert rows(fuse(only, [])) == [5, 6]
    assert rows(fuse([], only)) == [5, 6]
    assert fuse([], only)[0].dense is None
    assert fuse([], []) == []


def test_one_row_and_equal_scores_do_not_divide_by_zero():
    assert fuse([Scored(1, 0.3)], [Scored(1, 2.0)])[0].fused == 0
    assert rows(fuse([Scored(2, 0.5), Scored(1, 0.5)], [])) == [1, 2]


SCORES = st.dictionaries(st.integers(0, 30), st.floats(-1, 50), max_size=12)


@given(SCORES, SCORES)
def test_every_row_comes_once_with_finite_sums(dense, lexical):
    found = fuse(
        [Scored(*item) for item in dense.items()], [Scored(*item) for item in lexical.items()]
    )
    assert sorted(rows(found)) == sorted(dense.keys() | lexical.keys())
    assert all(math.isfinite(hit.fused) for hit in found)
    assert [hit.fused for hit in found] == sorted((hit.fused for hit in found), reverse=True)


def test_measures_are_the_textbooks():
    assert ndcg(["a", "b"], {"a": 1.0}) == 1
    assert ndcg(["b", "b", "a"], {"a": 1.0}) == pytest.approx(1 / math.log2(3))
    assert ndcg(["b"], {}) == 0
    assert recall(["a", "a", "b", "c"], {"b", "d"}, 2) == 0.5
    assert recall([], set()) == 0
    assert auc([0.9, 0.8], [0.1, 0.8]) == pytest.approx(0.875)
    assert auc([], [0.1]) == 0.5
