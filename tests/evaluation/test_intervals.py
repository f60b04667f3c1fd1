"""Intervals by bootstrap: right on average, the same every time, and never a NaN."""

import numpy as np
import pytest

from evaluation.intervals import (
    NotANumber,
    auc_interval,
    least_difference,
    mean_intervals,
    paired_differences,
)
from knowledge.retrieval.metrics import auc


def values(n: int, mean: float, seed: int = 1) -> list[float]:
    return np.clip(np.random.default_rng(seed).normal(mean, 0.3, n), 0, 1).tolist()


def test_the_interval_is_about_two_standard_errors_on_either_side() -> None:
    column = values(400, 0.5)
    found = mean_intervals({"x": column}, ["a"] * 400)["x"]
    error = np.std(column) / 20
    assert found.value == pytest.approx(np.mean(column))
    assert found.high - found.value == pytest.approx(1.96 * error, rel=0.1)
    assert found.value - found.low == pytest.approx(1.96 * error, rel=0.1)
    assert found.n == 400


def test_the_same_questions_give_the_same_interval() -> None:
    column = values(50, 0.5)
    assert mean_intervals({"x": column}, ["a"] * 50) == mean_intervals({"x": column}, ["a"] * 50)
    other = mean_intervals({"x": column}, ["a"] * 50, seed=8)
    assert other != mean_intervals({"x": column}, ["a"] * 50)


def test_strata_keep_their_share_in_every_sample() -> None:
    column = [0.0] * 50 + [1.0] * 50
    of_kinds = mean_intervals({"x": column}, ["hard"] * 50 + ["easy"] * 50)["x"]
    assert (of_kinds.low, of_kinds.value, of_kinds.high) == (0.5, 0.5, 0.5)
    mixed = mean_intervals({"x": column}, ["all"] * 100)["x"]
    assert mixed.low < 0.45
    assert mixed.high > 0.55


def test_a_pair_tells_more_than_two_separate_means() -> None:
    before = values(100, 0.5)
    after = [one + 0.02 for one in before]
    found = paired_differences({"x": after}, {"x": before}, ["a"] * 100)["x"]
    assert found.value == pytest.approx(0.02)
    assert found.is_better
    assert not found.is_worse
    reverse = paired_differences({"x": before}, {"x": after}, ["a"] * 100)["x"]
    assert reverse.is_worse


def test_noise_is_not_called_a_difference() -> None:
    rng = np.random.default_rng(5)
    before, after = rng.random(200), rng.random(200)
    found = paired_differences({"x": list(after)}, {"x": list(before)}, ["a"] * 200)["x"]
    assert not found.is_better
    assert not found.is_worse


def test_the_interval_holds_the_truth_about_19_times_in_20() -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(60):
        found = mean_intervals({"x": list((rng.random(80) < 0.7).astype(float))}, ["a"] * 80)["x"]
        held += found.low <= 0.7 <= found.high
    assert held >= 52


def test_the_least_difference_shrinks_with_the_root_of_the_questions() -> None:
    few = least_difference(np.random.default_rng(1).normal(0, 0.3, 100), ["a"] * 100)
    many = least_difference(np.random.default_rng(1).normal(0, 0.3, 1000), ["a"] * 1000)
    assert few == pytest.approx(0.06, abs=0.01)
    assert many == pytest.approx(0.019, abs=0.002)


def test_no_change_in_five_questions_proves_little() -> None:
    assert least_difference(np.zeros(5), ["a"] * 5) == pytest.approx(0.6)
    assert least_difference(np.zeros(300), ["a"] * 300) == pytest.approx(0.01)
    assert least_difference(np.zeros(0), []) == 1


def test_the_aucs_interval_holds_it_and_grows_as_the_questions_get_fewer() -> None:
    rng = np.random.default_rng(2)
    positive, negative = rng.normal(1, 1, 300), rng.normal(0, 1, 300)
    found = auc_interval(list(positive), list(negative))
    assert found is not None
    assert found.value == pytest.approx(auc(list(positive), list(negative)))
    assert found.low < found.value < found.high
    fewer = auc_interval(list(positive[:30]), list(negative[:30]))
    assert fewer is not None
    assert fewer.high - fewer.low > 2 * (found.high - found.low)
    assert auc_interval([0.5], []) is None


def test_scores_that_part_the_kinds_wholly_have_an_auc_of_1_and_ties_half() -> None:
    found = auc_interval([3.0, 4.0], [1.0, 2.0])
    assert found is not None
    assert (found.low, found.value, found.high) == (1, 1, 1)
    tied = auc_interval([1.0] * 9, [1.0] * 9)
    assert tied is not None
    assert (tied.low, tied.value, tied.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_is_an_error_and_names_its_question(bad: float) -> None:
    with pytest.raises(NotANumber, match="x of question 2"):
        mean_intervals({"x": [0.5, bad]}, ["a", "a"])
    with pytest.raises(NotANumber):
        paired_differences({"x": [0.5, 1]}, {"x": [0.5, bad]}, ["a", "a"])
    with pytest.raises(NotANumber):
        auc_interval([0.5, bad], [0.1])


def test_nothing_has_no_figures() -> None:
    assert mean_intervals({"x": []}, []) == {}
    assert paired_differences({"x": []}, {"x": []}, []) == {}
