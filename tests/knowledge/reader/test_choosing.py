"""Which sentences of a long page are read."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.retrieval.reader.choosing import choose

IDS = st.lists(st.integers(1, 40), max_size=30)


def test_a_page_within_the_budget_is_read_as_a_whole():
    chosen = choose([7], [[1, 2], [], [3]], 3)
    assert [(x.number, x.ids) for x in chosen] == [(0, [1, 2]), (2, [3])]


def test_a_sentence_that_shares_a_rare_word_is_read_before_one_that_shares_a_common_one():
    sentences = [[1] * 9 + [5], [1] * 9 + [6], [1] * 9 + [5], [1] * 9 + [5]]
    (first,) = choose([5, 6], sentences, 10)
    assert first.number == 1


def test_the_sentence_after_the_one_that_was_asked_for_comes_next():
    sentences = [[at] * 10 for at in range(10, 20)]
    assert [x.number for x in choose([14], sentences, 20)] == [4, 5]


def test_a_sentence_longer_than_the_budget_is_cut():
    (piece,) = choose([1], [[1] * 500], 40)
    assert len(piece.ids) == 40


@given(IDS, st.lists(IDS, max_size=12), st.integers(1, 60))
def test_the_budget_holds_and_the_order_is_the_pages(question, sentences, budget):
    chosen = choose(question, sentences, budget)
    numbers = [x.number for x in chosen]
    assert sum(len(x.ids) for x in chosen) <= budget
    assert numbers == sorted(set(numbers))
    assert all(x.ids and x.ids == sentences[x.number][: len(x.ids)] for x in chosen)
    assert chosen == choose(question, sentences, budget)
