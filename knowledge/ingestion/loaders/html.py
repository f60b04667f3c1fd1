"""HTML: the readable part of the page, as Markdown."""

from pathlib import Path

from knowledge.ingestion.decoding import decode, html_charset
from knowledge.ingestion.html_text import to_markdown
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import check_length, checked
from knowledge.ingestion.markdown import outline
from knowledge.ingestion.types import Extracted, Limits


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The text with its headings."""
    data = path.read_bytes()
    page = decode(data, html_charset(data))
    check_length(len(page), limits)
    report(20)
    text = checked(to_markdown(page), limits)
    report(90)
    return Extracted(text=text, outline=outline(text))
