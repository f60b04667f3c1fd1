"""Two rankings become one, and rankings are measured."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.retrieval.fusion import Asked, Candidate, language_trust
from knowledge.retrieval.fusion import fuse as fuse_asked
from knowledge.retrieval.metrics import auc, ndcg, recall


def fuse(candidates, identified=0.0, terms=1):
    return fuse_asked(candidates, Asked(terms, identified))


def rows(fused):
    return [hit.row for hit in fused]


def test_what_both_find_comes_first():
    found = fuse(
        [
            Candidate(1, 0.9, None, 0.0),
            Candidate(2, 0.8, 12.0, 0.8),
            Candidate(3, 0.1, 3.0, 0.2),
        ]
    )
    assert rows(found) == [2, 1, 3]


def test_scores_count_and_not_ranks_alone():
    nearly = [Candidate(1, 0.90, 1.0, 0.3), Candidate(2, 0.89, 9.0, 0.3), Candidate(3, 0.1, 0, 0)]
    assert rows(fuse(nearly))[0] == 2
    clearly = [Candidate(1, 0.90, 5.0, 0.3), Candidate(2, 0.20, 5.1, 0.3)]
    assert rows(fuse(clearly))[0] == 1


def test_the_more_terms_a_text_has_the_better():
    found = fuse([Candidate(1, 0.5, 4.0, 0.2), Candidate(2, 0.5, 4.0, 0.7)])
    assert rows(found) == [2, 1]


def test_an_identifier_leans_on_words():
    looks_like = Candidate(1, 0.80, 2.0, 0.3)
    has_it = Candidate(2, 0.40, 9.0, 0.5)
    others = [Candidate(row, 0.3 + row / 50, None, 0.0) for row in range(3, 20)]
    assert rows(fuse([looks_like, has_it, *others], identified=0.0))[0] == 1
    assert rows(fuse([looks_like, has_it, *others], identified=0.9))[0] == 2


def test_a_stage_that_found_nothing_leaves_the_other_alone():
    assert rows(fuse([Candidate(6, 0.4, None, 0.0), Candidate(5, 0.5, None, 0.0)])) == [5, 6]
    by_words = fuse([Candidate(6, None, 4.0, 0.1), Candidate(5, None, 5.0, 0.1)])
    assert rows(by_words) == [5, 6]
    assert by_words[0].dense is None
    assert fuse([]) == []


def test_one_row_and_equal_scores_do_not_divide_by_zero():
    assert math.isfinite(fuse([Candidate(1, 0.3, 2.0, 0.5)])[0].fused)
    assert rows(fuse([Candidate(2, 0.5, None, 0), Candidate(1, 0.5, None, 0)])) == [1, 2]


SCORE = st.none() | st.floats(-1, 50)


@given(
    st.dictionaries(st.integers(0, 30), st.tuples(SCORE, SCORE, st.floats(0, 1)), max_size=12),
    st.floats(0, 1),
    st.integers(0, 20),
)
def test_every_row_comes_once_with_finite_sums(features, identified, terms):
    found = fuse([Candidate(row, *each) for row, each in features.items()], identified, terms)
    assert sorted(rows(found)) == sorted(features)
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


def test_a_language_that_the_model_reads_by_letters_leans_on_words():
    assert language_trust("How many days of leave do I get?", 9) == 1
    assert language_trust("Wie viele Urlaubstage habe ich?", 11) == 1
    assert language_trust("what does C4996 mean", 8) == 1
    assert language_trust("كم عدد أيام الإجازة", 16) == 0
    assert language_trust("年假有多少天", 6) == 0
    assert language_trust("", 0) == language_trust("?!", 2) == 1
    near = Candidate(1, 0.9, 1.0, 0.1)
    has_words = Candidate(2, 0.5, 6.0, 0.5)
    others = [Candidate(row, 0.3 + row / 50, None, 0.0) for row in range(3, 20)]
    known, unknown = Asked(2), Asked(2, trust=0.0)
    assert rows(fuse_asked([near, has_words, *others], known))[0] == 1
    assert rows(fuse_asked([near, has_words, *others], unknown))[0] == 2
