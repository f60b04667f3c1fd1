"""The state of a document or version as a word, an icon and a sentence."""

from dataclasses import dataclass

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
    return Badge(words, percent=version.percent)


def _ready(version: DocumentVersion, *, is_answering: bool) -> Badge:
    if not is_answering:
        return Badge("Kept for old answers", icon="clock")
    if version.warnings:
        return Badge("Partly read", "is-care", "care", str(version.warnings[0]))
    return Badge("Searchable", "is-good", "check")
