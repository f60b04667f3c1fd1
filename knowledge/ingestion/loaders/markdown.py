"""Markdown stays Markdown, less its front matter and what a page would not show."""

from pathlib import Path

from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import decode
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import checked
from knowledge.ingestion.markdown import outline, without_front_matter, without_hidden
from knowledge.ingestion.types import Extracted, Limits


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The text with its headings."""
    source = clean(decode(path.read_bytes()))
    text = checked(clean(without_hidden(without_front_matter(source))), limits)
    report(60)
    return Extracted(text=text, outline=outline(text))
