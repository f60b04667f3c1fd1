"""Predicted against observed: groups, their intervals, and the error between the two."""

import pytest

from evaluation.admin.plots import drawn
from evaluation.reliability import (
    ENOUGH,
    Prediction,
    reliability,
    reliability_as_text,
    wilson,
)


def predictions(certainty: float, right: int, wrong: int) -> list[Prediction]:
    return [Prediction(certainty, at < right) for at in range(right + wrong)]


def test_who_is_as_often_right_as_sure_makes_no_error():
    found = reliability([*predictions(0.85, 17, 3), *predictions(0.5, 10, 10)])
    assert found.error == pytest.approx(0)
    assert [(g.n, round(g.observed, 2)) for g in found.groups] == [(20, 0.5), (20, 0.85)]


def test_the_error_weighs_groups_by_their_answers():
    found = reliability([*predictions(0.95, 0, 30), *predictions(0.5, 5, 5)])
    assert found.error == pytest.approx(0.95 * 30 / 40)


def test_full_certainty_has_a_group_and_nothing_has_none():
    assert [g.n for g in reliability([Prediction(1.0, True)]).groups] == [1]
    assert reliability([]).groups == ()
    assert reliability([]).error == 0


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (1, 200), (0, 0), (199, 200)])
def test_an_interval_holds_its_share_and_stays_within_0_and_1(right, n):
    low, high = wilson(right, n)
    assert 0 <= low <= (right / n if n else 0.5) <= high <= 1


def test_too_few_answers_are_said_to_be_too_few():
    few = reliability(predictions(0.9, 3, 0)).as_dict()
    assert reliability_as_text(few)[-1].startswith("Reliability: 3 answers")
    assert not drawn(few).is_enough
    assert not drawn({}).is_enough


def test_a_plot_has_a_point_for_each_group_inside_its_field():
    found = reliability([*predictions(0.97, 25, 1), *predictions(0.4, 4, 10)]).as_dict()
    plot = drawn(found)
    assert plot.n == 40 >= ENOUGH
    assert plot.is_enough
    assert len(plot.points) == 2
    for point in plot.points:
        assert 48 <= point.x <= 304
        assert 16 <= point.high <= point.y <= point.low <= 272
    assert len(reliability_as_text(found)) == 2 + 1 + len(plot.points)
