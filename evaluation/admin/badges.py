"""States, verdicts and faults as a word and an icon."""

from evaluation.models import Question, Result, Run, RunState
from knowledge.admin.badges import Badge

_VERDICTS = {
    Run.Verdict.PASSED: Badge("Not worse", "is-good", "check"),
    Run.Verdict.FAILED: Badge("Worse", "is-wrong", "wrong"),
    Run.Verdict.TOO_FEW: Badge("Too few to judge", "is-care", "care"),
    Run.Verdict.SKIPPED: Badge("Not judged", icon="info"),
    Run.Verdict.NONE: Badge("Not judged", icon="info"),
}
_WRONG = {
    Result.Fault.LEAK: "wrong",
    Result.Fault.ERROR: "wrong",
    Result.Fault.NOT_RETRIEVED: "wrong",
    Result.Fault.UNRESOLVED: "care",
    Result.Fault.RANKED_LOW: "care",
    Result.Fault.DROPPED: "care",
    Result.Fault.FALSE_ANSWER: "care",
    Result.Fault.FALSE_REFUSAL: "care",
}
_STATUS = {
    Question.Status.PROPOSED: Badge("Proposed", "is-care", "care"),
    Question.Status.ACCEPTED: Badge("Accepted", "is-good", "check"),
    Question.Status.RETIRED: Badge("Retired", icon="stop"),
}


def of_run(run: Run) -> Badge:
    """How far a run is."""
    if run.state == RunState.DONE:
        return Badge("Done", "is-good", "check")
    if run.state == RunState.FAILED:
        return Badge("Failed", "is-wrong", "wrong", run.error)
    if run.state == RunState.RUNNING and run.total:
        return Badge("Asking", percent=100 * run.asked // run.total)
    return Badge("Waiting")


def of_verdict(run: Run) -> Badge:
    """What a run says of its build."""
    return _VERDICTS[Run.Verdict(run.verdict)]


def of_fault(result: Result) -> Badge:
    """What went wrong with one question."""
    fault = Result.Fault(result.fault)
    if fault == Result.Fault.NONE:
        return Badge("Found" if result.metrics else "Rightly silent", "is-good", "check")
    icon = _WRONG[fault]
    return Badge(str(fault.label), f"is-{icon}", icon)


def of_status(question: Question) -> Badge:
    """Whether a question is asked."""
    return _STATUS[Question.Status(question.status)]
