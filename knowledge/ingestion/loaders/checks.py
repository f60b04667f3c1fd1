"""What every loader asks of its result."""

from collections.abc import Sequence

from knowledge.ingestion.types import (
    LimitExceeded,
    Limits,
    PageKind,
    PageReport,
    UnreadableFile,
)

NO_TEXT = "The file has no text."
_NAMED = 8  # pages or runs of pages that a sentence names
_RECOGNISE = "Run it through text recognition and add it again."


def checked(text: str, limits: Limits) -> str:
    """The text itself, when it is neither blank nor too long."""
    if not text.strip():
        raise UnreadableFile(NO_TEXT)
    check_length(len(text), limits)
    return text


def check_length(characters: int, limits: Limits) -> None:
    """Raises LimitExceeded for more characters than a document may have."""
    if characters > limits.max_characters:
        raise LimitExceeded(
            f"The document has more than {limits.max_characters:,} characters, which is the limit."
        )


def check_pages(pages: int, limits: Limits, noun: str = "page") -> None:
    """Raises LimitExceeded for more pages than a document may have."""
    if pages > limits.max_pages:
        raise LimitExceeded(
            f"The document has {pages:,} {noun}s; at most {limits.max_pages:,} are taken."
        )


def left_out(part: str, limits: Limits, *, is_long: bool, is_wide: bool) -> tuple[str, ...]:
    """Sentences on the rows and columns of a table or sheet that were beyond the limits."""
    found = []
    if is_long:
        found.append(
            f"The {part} has more than {limits.max_rows:,} rows; those below are left out."
        )
    if is_wide:
        found.append(
            f"The {part} has more than {limits.max_columns:,} columns; those beyond are left out."
        )
    return tuple(found)


def without_text(reports: Sequence[PageReport], noun: str = "page") -> str:
    """A sentence on the pages without text; empty where every page has some.

    Raises UnreadableFile where no page has any.
    """
    silent = [report.page for report in reports if report.kind is not PageKind.TEXT]
    if not silent:
        return ""
    if len(silent) == len(reports):
        raise UnreadableFile(_nothing(reports, noun))
    have = "has" if len(silent) == 1 else "have"
    which = noun if len(silent) == 1 else f"{noun}s"
    return (
        f"{len(silent):,} of {len(reports):,} {noun}s {have} no text ({which} {_named(silent)}), "
        f"so nothing is found there. Pictures of text have to go through text recognition first."
    )


def _nothing(reports: Sequence[PageReport], noun: str) -> str:
    if all(report.kind is not PageKind.PICTURE for report in reports):
        return NO_TEXT
    if len(reports) == 1:
        return f"The only {noun} is a picture without text. {_RECOGNISE}"
    return f"All {len(reports):,} {noun}s are pictures without text. {_RECOGNISE}"


def _named(pages: Sequence[int]) -> str:
    """Page numbers with neighbours joined, such as "3, 7–9"; a long list ends in "…"."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], page]
        else:
            runs.append([page])
    words = ["–".join(str(page) for page in run) for run in runs[:_NAMED]]
    return ", ".join([*words, "…"] if len(runs) > _NAMED else words)
