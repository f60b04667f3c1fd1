"""Whether a candidate is worse than what it would replace."""

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.intervals import Difference
from evaluation.models import Run
from evaluation.summary import EVIDENCE, PRIMARY

ENOUGH = 30  # questions; with fewer one of them moves the mean by more than any margin
NDCG_MARGIN = 0.02


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
    shown = "; ".join(sentence(name, found[name]) for name in PRIMARY if name in found)
    return Verdict(Run.Verdict.PASSED, f"Not worse: {shown}.")


def _worse(name: str, difference: Difference, margin: float) -> str:
    most = margin if name == EVIDENCE else NDCG_MARGIN
    # A hair's breadth more: 0.98 - 1.00 is -0.020000000000000018.
    if -difference.value > most + 1e-9:
        return f"{sentence(name, difference)}: it may fall by {most:.3f} at most."
    if difference.is_worse:
        return f"{sentence(name, difference)}: it is surely worse."
    return ""


def sentence(name: str, difference: Difference) -> str:
    """Such as "evidence@5 -0.040 [-0.080, +0.000], n 50"."""
    return (
        f"{name} {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}], "
        f"n {difference.n}"
    )
