"""Plain text: decoded and cleaned, nothing read into it."""

from pathlib import Path

from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import decode
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import checked
from knowledge.ingestion.types import Extracted, Limits


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The whole file as one text without headings."""
    text = checked(clean(decode(path.read_bytes())), limits)
    report(100)
    return Extracted(text=text)
