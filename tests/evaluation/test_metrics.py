"""Figures of one question: the same as a second implementation's, and evidence by its place."""

import numpy as np
import pytest
import pytrec_eval

from evaluation.metrics import (
    Gold,
    GoldSpan,
    Shown,
    covers,
    documents_of,
    evidence_rank,
    of_question,
    reciprocal_rank,
)


def shown(*documents: int) -> list[Shown]:
    return [Shown(document, 0, 100) for document in documents]


def random_cases(count: int = 60) -> list[tuple[list[int], dict[int, float]]]:
    rng = np.random.default_rng(3)
    cases = []
    for _ in range(count):
        ranked = rng.permutation(40)[: int(rng.integers(1, 40))].tolist()
        relevant = rng.choice(40, size=int(rng.integers(1, 12)), replace=False).tolist()
        cases.append((ranked, {key: float(rng.integers(1, 4)) for key in relevant}))
    return cases


def test_ndcg_recall_and_mrr_are_those_of_trec_eval() -> None:
    measures = {"ndcg_cut.10", "recall.5,10,20", "recip_rank"}
    for ranked, grades in random_cases():
        judged = {"q": {str(key): int(grade) for key, grade in grades.items()}}
        scores = {"q": {str(key): float(100 - at) for at, key in enumerate(ranked)}}
        theirs = pytrec_eval.RelevanceEvaluator(judged, measures).evaluate(scores)["q"]
        ours = of_question(shown(*ranked), Gold(grades))
        assert ours["ndcg@10"] == pytest.approx(theirs["ndcg_cut_10"])
        for limit in (5, 10, 20):
            assert ours[f"recall@{limit}"] == pytest.approx(theirs[f"recall_{limit}"])
        assert ours["mrr"] == pytest.approx(theirs["recip_rank"])


def test_a_document_counts_at_the_place_of_its_best_passage() -> None:
    assert documents_of(shown(7, 7, 3, 7, 5), {}) == [7, 3, 5]
    assert reciprocal_rank([7, 3, 5], {5}) == pytest.approx(1 / 3)
    assert reciprocal_rank([7], {5}) == 0


def test_a_passage_counts_for_the_document_that_was_asked_for_where_several_say_the_same() -> None:
    twins = [Shown(1, 0, 9, same_as=(2, 3)), Shown(2, 0, 9)]
    assert documents_of(twins, {3: 1.0}) == [3, 2]
    assert of_question(twins, Gold({3: 1.0}))["recall@1"] == 1
    assert documents_of(twins, {}) == [1, 2]


def test_recall_at_1_wants_a_document_of_the_best_grade() -> None:
    gold = Gold({1: 2.0, 2: 1.0})
    assert of_question(shown(1, 2), gold)["recall@1"] == 1
    assert of_question(shown(2, 1), gold)["recall@1"] == 0
    assert of_question([], gold)["recall@1"] == 0


@pytest.mark.parametrize(
    ("start", "end", "is_shown"),
    [
        (0, 200, True),
        (0, 120, True),
        (0, 70, True),
        (0, 69, False),
        (70, 200, True),
        (71, 200, False),
        (120, 200, False),
    ],
)
def test_a_long_span_needs_half_of_it_shown(start: int, end: int, is_shown: bool) -> None:
    assert covers(Shown(1, start, end), GoldSpan(1, 20, 120)) is is_shown


def test_a_span_shorter_than_a_sentence_must_be_shown_whole() -> None:
    span = GoldSpan(1, 10, 20)
    assert covers(Shown(1, 0, 20), span)
    assert not covers(Shown(1, 0, 19), span)
    assert not covers(Shown(2, 0, 20), span)


def test_evidence_is_found_in_a_twin_that_is_not_shown() -> None:
    passage = Shown(1, 500, 600, text="Ask  the Desk for a badge.", same_as=(2,))
    assert covers(passage, GoldSpan(2, 0, 20, quote="the desk for a badge"))
    assert not covers(passage, GoldSpan(2, 0, 20, quote="another sentence"))
    assert not covers(passage, GoldSpan(3, 0, 20, quote="the desk for a badge"))


def test_the_evidences_rank_is_that_of_the_first_passage_with_any_of_the_spans() -> None:
    spans = (GoldSpan(1, 0, 10), GoldSpan(2, 50, 60))
    passages = [Shown(1, 20, 40), Shown(2, 0, 40), Shown(2, 40, 80), Shown(1, 0, 40)]
    assert evidence_rank(passages, spans) == 3
    assert evidence_rank(passages[:2], spans) is None
    assert of_question(passages, Gold({1: 1.0, 2: 1.0}, spans))["evidence@5"] == 1
    later = [*[Shown(9, 0, 5)] * 4, *passages]
    assert of_question(later, Gold({1: 1.0}, spans))["evidence@5"] == 0


def test_without_evidence_there_are_no_figures_rather_than_zeros() -> None:
    assert of_question(shown(1), Gold()) == {}
    assert "evidence@5" not in of_question(shown(1), Gold({1: 1.0}))
