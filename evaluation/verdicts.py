"""Whether a candidate is worse than what it would replace."""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.intervals import Difference
from evaluation.models import Run
from evaluation.summary import EVIDENCE, PRIMARY

ENOUGH = 30  # questions; with fewer one of them moves the mean by more than any margin
NDCG_MARGIN = 0.02
SAME_NDCG = 0.0005  # what three decimals do not show


@dataclass(frozen=True)
class Verdict:
    """``passed``, ``failed``, ``too_few`` or ``skipped``, and a sentence that says why."""

    verdict: str
    reason: str


def judge_differences(
    found: Mapping[str, Difference], leaks: int, margin: float, enough: int = ENOUGH
) -> Verdict:
    """A leak fails whatever the figures say; then a drop beyond a margin, or one that is sure.

    Args:
        found: candidate less baseline, of the figures in PRIMARY.
        leaks: questions that showed what their asker may not see.
        margin: how far the share of found evidence may fall, 0..1.
        enough: below so many pairs there is no verdict.
    """
    if leaks:
        return Verdict(Run.Verdict.FAILED, f"{leaks} questions show what their asker may not see.")
    n = max((one.n for one in found.values()), default=0)
    if n < enough:
        return Verdict(
            Run.Verdict.TOO_FEW, f"{n} questions can be compared; {enough} are needed to judge."
        )
    for name in PRIMARY:
        if name in found and (reason := _worse(name, found[name], margin)):
            return Verdict(Run.Verdict.FAILED, reason)
    shown = " ".join(f"{sentence(name, found[name])}." for name in PRIMARY if name in found)
    return Verdict(Run.Verdict.PASSED, f"Not worse. {shown}")


def _worse(name: str, difference: Difference, margin: float) -> str:
    # A hair's breadth more: 0.98 - 1.00 is -0.020000000000000018.
    if -difference.value > (margin if name == EVIDENCE else NDCG_MARGIN) + 1e-9:
        return f"{sentence(name, difference)}. {allowed(name, margin)}"
    if difference.is_worse:
        return f"{sentence(name, difference)}. Chance does not explain so much: it is surely worse."
    return ""


def allowed(name: str, margin: float) -> str:
    """How much worse a figure may be; ``margin`` is that of the evidence, 0..1."""
    if name == EVIDENCE:
        return f"At most {_points(margin)} percentage points fewer are allowed."
    return f"At most {NDCG_MARGIN} worse is allowed."


def sentence(name: str, difference: Difference) -> str:
    """A difference in words, without a full stop; its interval is that of 95 % certainty.

    Such as "Evidence among the first five passages: 2 fewer of 50 questions than before (-4
    percentage points; with 95 % certainty between -8 and 0)".
    """
    n = f"{difference.n} question{'s' if difference.n != 1 else ''}"
    if name != EVIDENCE:
        return f"Order of the first ten documents: {_order(difference)}, over {n}"
    count = round(abs(difference.value) * difference.n)
    if not count:
        return f"Evidence among the first five passages: as many of {n} as before"
    more = "more" if difference.value > 0 else "fewer"
    low, high = _points(difference.low), _points(difference.high)
    return (
        f"Evidence among the first five passages: {count} {more} of {n} than before "
        f"({_points(difference.value)} percentage points; with 95 % certainty between {low} and "
        f"{high})"
    )


def _order(difference: Difference) -> str:
    if abs(difference.value) < SAME_NDCG:
        return "as good as before"
    better = "better" if difference.value > 0 else "worse"
    return (
        f"{abs(difference.value):.3f} {better} of at most 1 (with 95 % certainty between "
        f"{difference.low:+.3f} and {difference.high:+.3f})"
    )


def _points(share: float) -> str:
    """A share in percentage points, such as -4 or 2.5."""
    return f"{round(100 * share, 1) + 0.0:g}"
