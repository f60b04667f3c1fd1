"""The state of a document or version as a word, an icon and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from knowledge.catalogue import PENDING, seconds_left
from knowledge.models import Document, DocumentVersion, VersionState

_STEPS = {
    DocumentVersion.Step.WAITING: "Waiting",
    DocumentVersion.Step.EXTRACTING: "Step 1 of 4, reading",
    DocumentVersion.Step.SPLITTING: "Step 2 of 4, cutting into passages",
    DocumentVersion.Step.EMBEDDING: "Step 3 of 4, embedding",
    DocumentVersion.Step.INDEXING: "Step 4 of 4, indexing",
}
_RETRIES = "Being tried again."


@dataclass(frozen=True)
class Badge:
    """What a list shows of a state; with ``percent`` it is a progress bar."""

    words: str
    kind: str = ""  # is-good, is-care, is-wrong
    icon: str = "clock"
    sentence: str = ""
    percent: int | None = None

    def without_warning(self, version: DocumentVersion) -> "Badge":
        """The same where the version's warnings stand beside it anyway."""
        return replace(self, sentence="") if self.sentence in version.warnings else self

    def html(self) -> SafeString:
        return render_to_string("knowledge/admin/_badge.html", {"badge": self})


def of_document(document: Document, newest: DocumentVersion) -> Badge:
    """The newest upload's state, unless the document is out of answers."""
    badge = of_version(newest, is_answering=True)
    if newest.state == VersionState.READY and not document.is_active:
        return Badge("Not in answers", icon="info")
    return badge


def of_version(version: DocumentVersion, *, is_answering: bool) -> Badge:
    """The state of one upload."""
    state = version.state
    if state == VersionState.READY:
        return _ready(version, is_answering=is_answering)
    if state == VersionState.FAILED:
        return Badge("Failed", "is-wrong", "wrong", version.error)
    if state == VersionState.CANCELLED:
        return Badge("Cancelled", icon="stop", sentence=version.error)
    if state == VersionState.QUEUED:
        return Badge("Waiting", sentence=_RETRIES if version.attempts else "")
    words = _STEPS.get(DocumentVersion.Step(version.step), "Being read")
    return Badge(", ".join([words, *_how_far(version)]), percent=version.percent)


def _how_far(version: DocumentVersion) -> list[str]:
    """Pages and the time that is left, where they are known."""
    found = []
    if version.pages_done and version.page_count:
        found.append(f"{version.pages_done} of {version.page_count} pages")
    left = seconds_left(version)
    if left is not None:
        found.append(f"about {left} s left" if left < 90 else f"about {round(left / 60)} min left")
    return found


def live(document: Document, newest: DocumentVersion, *, is_brief: bool = False) -> SafeString:
    """The state as the list shows it; one on its way says so, and the page asks for news of it.

    ``is_brief`` leaves a warning to what stands beside it.
    """
    badge = of_document(document, newest)
    context = {
        "badge": badge.without_warning(newest) if is_brief else badge,
        "document": document,
        "is_pending": newest.state in PENDING,
    }
    return render_to_string("knowledge/admin/_state.html", context)


def conditions(document: Document, newest: DocumentVersion) -> list[Badge]:
    """What a manager should know of a document beside its state."""
    today = timezone.localdate()
    found = _conditions_of_text(newest)
    if document.superseded_by is not None:
        found.append(Badge(f"Superseded by “{document.superseded_by.title}”", icon="info"))
    if document.expires_on and document.expires_on < today:
        found.append(Badge(f"Expired on {_day(document.expires_on)}", "is-care", "care"))
    elif document.review_by and document.review_by < today:
        found.append(Badge(f"Review was due on {_day(document.review_by)}", "is-care", "care"))
    if document.effective_from and document.effective_from > today:
        found.append(Badge(f"Answers from {_day(document.effective_from)}", icon="clock"))
    same_as = getattr(document, "same_as", None)
    if same_as:
        found.append(Badge(f"Same content as document {same_as}", icon="copy"))
    return found


def _conditions_of_text(newest: DocumentVersion) -> list[Badge]:
    conditions = {
        "Not wholly read": not newest.is_complete,
        "Speaks to an assistant": newest.orders,
        "Hides text": newest.hides,
    }
    return [Badge(words, "is-care", "care") for words, holds in conditions.items() if holds]


def ranges(numbers: Sequence[int]) -> str:
    """Page numbers as people write them: 3 to 5, 9."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in parts)


def moment(iso: str) -> datetime | None:
    """A time that a row keeps as ISO 8601, for a template's ``date``; None where it is none."""
    try:
        found = datetime.fromisoformat(iso)
    except (TypeError, ValueError):
        return None
    return timezone.localtime(found) if timezone.is_aware(found) else found


def _day(day: object) -> str:
    return date_format(day, "j M Y")  # type: ignore[arg-type]


def _ready(version: DocumentVersion, *, is_answering: bool) -> Badge:
    if not is_answering:
        return Badge("Kept for old answers", icon="clock")
    is_marked = version.orders or version.hides  # has a badge of its own
    if not version.is_complete or (version.warnings and not is_marked):
        return Badge("Partly read", "is-care", "care", str(next(iter(version.warnings), "")))
    return Badge("Searchable", "is-good", "check")
