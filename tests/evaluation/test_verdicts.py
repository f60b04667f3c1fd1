"""A verdict is a sentence for people, not for statisticians."""

import pytest

from evaluation.intervals import Difference
from evaluation.verdicts import judge_differences, sentence


def difference(value, low=None, high=None, n=50):
    return Difference(value, value if low is None else low, value if high is None else high, n, 0.1)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (difference(0), "as many of 50 questions as before"),
        (
            difference(-0.04, -0.08, 0.0),
            (
                "2 fewer of 50 questions than before (-4 percentage points; with 95 % certainty "
                "between -8 and 0)"
            ),
        ),
        (
            difference(0.1, 0.05, 0.155),
            (
                "5 more of 50 questions than before (10 percentage points; with 95 % certainty "
                "between 5 and 15.5)"
            ),
        ),
    ],
)
def test_found_evidence_is_counted_in_questions(found, said):
    assert sentence("evidence@5", found) == f"Evidence among the first five passages: {said}"


def test_the_order_of_documents_is_better_worse_or_as_good():
    assert "as good as before, over 50 questions" in sentence("ndcg@10", difference(0.0001))
    assert "0.012 worse of at most 1" in sentence("ndcg@10", difference(-0.012, -0.02, 0.001))
    assert "0.030 better" in sentence("ndcg@10", difference(0.03))


def test_not_worse_says_both_and_worse_says_what_is_allowed():
    same = {"evidence@5": difference(0), "ndcg@10": difference(0)}
    passed = judge_differences(same, 0, 0.02)
    assert passed.verdict == "passed"
    assert passed.reason == (
        "Not worse. Evidence among the first five passages: as many of 50 questions as before. "
        "Order of the first ten documents: as good as before, over 50 questions."
    )
    failed = judge_differences({"evidence@5": difference(-0.04, -0.08, 0.0)}, 0, 0.02)
    assert failed.verdict == "failed"
    assert failed.reason.endswith("At most 2 percentage points fewer are allowed.")
    sure = judge_differences({"ndcg@10": difference(-0.01, -0.015, -0.005)}, 0, 0.02)
    assert sure.verdict == "failed"
    assert "surely worse" in sure.reason
