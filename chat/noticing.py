"""Which words stand under a written answer: what was held back, not checked, or not understood."""

from chat import wording
from chat.checking import Review
from chat.generation.understanding.language import is_in_another
from chat.holding import StrictGate
from chat.jobs import Job
from chat.writing import Written


def nothing_left(written: Written, strict: StrictGate | None) -> wording.Notice | None:
    """Why the documents are quoted where all that a model wrote was held back, or none wrote."""
    is_unchecked = strict is not None and strict.unchecked == written.left_out > 0
    if is_unchecked and written.notice == wording.NOTHING_SUPPORTED:
        return wording.NOTHING_CHECKED
    return written.notice


def notice_of(written: Written, strict: StrictGate | None) -> wording.Notice | None:
    """What there is to say of how it was written."""
    unchecked = strict.unchecked if strict is not None else 0
    notice = wording.left_out(written.left_out, written.notice, unchecked=unchecked)
    return wording.reworded(written.reworded, notice)


def reviewed(
    notice: wording.Notice | None, review: Review, job: Job, text: str
) -> wording.Notice | None:
    """The same with what the look at the whole answer has found."""
    if review.checked is None:
        notice = wording.behind(notice, wording.NOT_CHECKED)
    if is_in_another(text, job.language, job.question):
        notice = wording.behind(notice, wording.IN_ANOTHER_LANGUAGE)
    return notice
