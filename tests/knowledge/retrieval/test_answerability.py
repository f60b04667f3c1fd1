"""Signals into a decision: by a share that may be refused, and never by more than is known."""

import json
from dataclasses import replace

import pytest

from knowledge.retrieval.answerability import (
    LINE,
    MANY,
    SHIPPED,
    VARIANTS,
    Answerability,
    CalibrationUnusable,
    Read,
    Variant,
    as_dict,
    from_dict,
    shipped,
    signals_of,
    variant_of,
)
from knowledge.retrieval.calibration import Features

FAIR = Features(best_dense=0.45, coverage=0.5, found=2, matched=5.0, depth=0.8, passages=400)
SHARES = (0.0, 0.01, 0.02, 0.04, 0.05, 0.08, 0.2, 0.5)


def test_what_is_shipped_says_where_it_comes_from():
    said = json.loads(SHIPPED.read_text(encoding="utf-8"))["provenance"]
    assert {"date", "sets", "questions", "embedding_model", "reader"} <= set(said)
    assert as_dict(from_dict(as_dict(shipped()))) == as_dict(shipped())


@pytest.mark.parametrize("features", [FAIR, Features(coverage=0.5, matched=8.0)])
@pytest.mark.parametrize("read", [(), (Read(0.4, 0.3), Read(0.1, 0.1))])
def test_who_may_refuse_more_refuses_more(features, read):
    signals = signals_of(features, read)
    judged = [shipped().judge(signals, share).answerable for share in SHARES]
    assert judged == sorted(judged, reverse=True)
    assert all(0 <= value <= 1 for value in judged)


def test_certainty_does_not_hang_on_the_share():
    signals = signals_of(FAIR)
    assert len({shipped().judge(signals, share).certainty for share in SHARES}) == 1


def test_the_best_page_and_the_best_sentence_count():
    one = signals_of(FAIR, (Read(0.9, 0.2), Read(0.1, 0.7)))
    other = signals_of(FAIR, (Read(0.1, 0.7), Read(0.9, 0.2)))
    assert one == other
    assert one["page"] > one["sentence"] > 0


def test_a_reader_that_is_quite_sure_makes_no_infinity():
    for certain in (0.0, 1.0):
        judged = shipped().judge(signals_of(FAIR, (Read(certain, certain),)), 0.05)
        assert 0 <= judged.answerable <= 1


def test_what_is_not_known_chooses_the_weights():
    assert variant_of(signals_of(FAIR)) == "meaning"
    assert variant_of(signals_of(Features())) == "words"
    assert variant_of(signals_of(FAIR, (Read(0.5, 0.5),))) == "meaning+reader"
    assert variant_of(signals_of(Features(), (Read(0.5, 0.5),))) == "words+reader"


@pytest.mark.parametrize("features", [FAIR, replace(FAIR, best_dense=None)])
def test_the_same_likeness_says_less_among_more_passages_up_to_many(features):
    sizes = (0, 1, 15, 400, MANY, MANY + 1, 10**6)
    signals = [signals_of(replace(features, passages=size)) for size in sizes]
    judged = [shipped().judge(one, 0.05).answerable for one in signals]
    assert judged == sorted(judged, reverse=True)
    assert judged[0] == judged[1] > judged[2] > judged[3] > judged[4]
    assert judged[4] == judged[5] == judged[6]


@pytest.mark.parametrize("name", VARIANTS)
def test_more_likeness_never_speaks_against_an_answer(name):
    weights = shipped().variants[name].weights
    assert all(weight >= 0 for signal, weight in weights.items() if signal != "size")


def test_a_calibration_by_the_signals_of_an_earlier_version_asks_for_another_fit():
    values = json.loads(SHIPPED.read_text(encoding="utf-8"))
    values["variants"]["meaning"]["weights"] = {"dense": 9.0, "coverage": 4.3, "lead": 3.1}
    with pytest.raises(CalibrationUnusable, match=r"calibration .* other signals .* Fit it again"):
        from_dict(values)


def test_between_two_fitted_shares_the_line_lies_between():
    lines = ((0.0, -2.0), (0.1, 0.0), (0.2, 4.0))
    variant = Variant({}, 0.0, lines)
    between = [variant.line(share) for share in (-1, 0, 0.05, 0.1, 0.15, 0.2, 0.5)]
    assert between == pytest.approx([-2, -2, -1, 0, 2, 4, 4])
    made = Answerability(
        dict.fromkeys(VARIANTS, Variant(dict.fromkeys(("dense",), 1.0), -1, lines))
    )
    assert made.judge({"dense": 1.0}, 0.1).answerable == LINE


@pytest.mark.parametrize(
    "damage",
    [
        lambda values: values.clear(),
        lambda values: values["variants"].pop("words"),
        lambda values: values["variants"]["words"]["weights"].pop("depth"),
        lambda values: values["variants"]["words"].update(lines={}),
        lambda values: values["variants"]["words"].update(intercept=float("nan")),
        lambda values: values["variants"]["words"].update(lines={"many": 1}),
        lambda values: values.update(variants=[]),
    ],
)
def test_a_damaged_calibration_is_an_error_with_a_sentence(damage):
    values = json.loads(SHIPPED.read_text(encoding="utf-8"))
    damage(values)
    with pytest.raises(CalibrationUnusable, match="calibration"):
        from_dict(values)
