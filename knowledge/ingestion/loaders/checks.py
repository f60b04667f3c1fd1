"""What every loader asks of its result."""

from knowledge.ingestion.types import LimitExceeded, Limits, UnreadableFile

NO_TEXT = "The file has no text."


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


def check_pages(pages: int, limits: Limits) -> None:
    """Raises LimitExceeded for more pages than a document may have."""
    if pages > limits.max_pages:
        raise LimitExceeded(
            f"The document has {pages:,} pages; at most {limits.max_pages:,} are taken."
        )
