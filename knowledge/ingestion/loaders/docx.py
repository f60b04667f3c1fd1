"""DOCX: the archive is checked first, then Word's styles become HTML and that Markdown."""

from pathlib import Path
from xml.parsers.expat import ExpatError

import mammoth

from knowledge.ingestion.archive import ZIP_SAYS_NO
from knowledge.ingestion.html_text import to_markdown
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import checked
from knowledge.ingestion.markdown import outline
from knowledge.ingestion.ooxml import WORD, check_package
from knowledge.ingestion.types import Extracted, Limits, UnreadableFile

# Mammoth has no errors of its own: what a damaged part makes it raise.
_MAMMOTH_SAYS_NO = (
    *ZIP_SAYS_NO, KeyError, AttributeError, IndexError, TypeError, ExpatError, RecursionError,
)  # fmt: skip


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The text with its headings; tables are Markdown tables, pictures are left out."""
    check_package(path, WORD, limits)
    report(10)
    page = _to_html(path)
    report(60)
    text = checked(to_markdown(f"<body>{page}</body>"), limits)
    return Extracted(text=text, outline=outline(text))


def _to_html(path: Path) -> str:
    try:
        with path.open("rb") as file:
            result = mammoth.convert_to_html(
                file,
                convert_image=_no_picture,
                external_file_access=False,
                include_embedded_style_map=False,
            )
    except _MAMMOTH_SAYS_NO as error:
        raise UnreadableFile(WORD.damaged) from error
    return str(result.value)


def _no_picture(_image: object) -> list[object]:
    return []
