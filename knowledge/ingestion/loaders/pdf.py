"""PDF by PDFium: text and page starts. One thread only: PDFium's heap breaks under two."""

import re
from pathlib import Path

import pypdfium2

from knowledge.ingestion.cleaning import clean
from knowledge.ingestion.decoding import normalise
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import check_length, check_pages
from knowledge.ingestion.markdown import plain_title
from knowledge.ingestion.types import Extracted, Heading, Limits, UnreadableFile

PASSWORD = "The file needs a password."  # noqa: S105 - a sentence for a manager
DAMAGED = "The file is damaged or is not a PDF."
NO_PAGES = "The file has no pages."
_PDFIUM_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_BETWEEN_PAGES = "\n\n"
_SHORT_LINE = 0.75  # of the page's long lines: shorter ends a paragraph or is a heading
_MAX_BOOKMARKS = 2000
# PDFium's mark of a word broken at a line end; before a capital or digit the hyphen was written.
_HYPHEN_KEPT = re.compile("\ufffe(?=[A-Z0-9])")
_HYPHEN = re.compile("[\ufffe\x02]")
_BULLET = re.compile("[•◦▪‣●○■]\\s{0,8}")


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The text of every page, with the offsets at which pages start."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        is_locked = error.err_code == _PDFIUM_PASSWORD_ERROR
        raise UnreadableFile(PASSWORD if is_locked else DAMAGED) from error
    try:
        check_pages(len(document), limits)
        texts = _page_texts(document, limits, report)
        bookmarks = _bookmarks(document)
    finally:
        document.close()
    return _joined(texts, bookmarks)


def _page_texts(document: pypdfium2.PdfDocument, limits: Limits, report: Report) -> list[str]:
    texts: list[str] = []
    total = len(document)
    characters = 0
    for number in range(total):
        text = _page_text(document, number)
        characters += len(text)
        check_length(characters, limits)
        texts.append(text)
        report((number + 1) * 95 // total)
    return texts


def _page_text(document: pypdfium2.PdfDocument, number: int) -> str:
    """The text of a page; empty where the page itself is damaged."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return ""
    try:
        text_page = page.get_textpage()
        try:
            raw = text_page.get_text_range()
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return ""
    finally:
        page.close()
    return _readable(raw)


def _readable(raw: str) -> str:
    """Words joined that a line end broke, bullets as list items, paragraphs parted."""
    joined = _HYPHEN.sub("", _HYPHEN_KEPT.sub("-", raw))
    text = _BULLET.sub("- ", clean(normalise(joined)))
    return _with_paragraphs(text.split("\n"))


def _with_paragraphs(lines: list[str]) -> str:
    """PDF knows lines, not paragraphs: a short line before a capital ends one."""
    lengths = sorted(len(line) for line in lines if line.strip())
    if not lengths:
        return ""
    full = lengths[int(len(lengths) * 0.75)]  # three quarters of the lines are no longer
    parts: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        parts.append(line)
        starts_anew = following[:1].isupper() or following.startswith("- ")
        if line.strip() and len(line) < _SHORT_LINE * full and starts_anew:
            parts.append("")
    return "\n".join(parts).strip("\n")


def _bookmarks(document: pypdfium2.PdfDocument) -> list[tuple[int, str, int]]:
    """The document's own table of contents as (level, title, page number from 0)."""
    found: list[tuple[int, str, int]] = []
    try:
        for mark in document.get_toc(max_depth=6):
            destination = mark.get_dest()
            page = destination.get_index() if destination is not None else None
            title = plain_title(clean(normalise(mark.get_title())))
            if title and page is not None:
                found.append((mark.level + 1, title, page))
            if len(found) >= _MAX_BOOKMARKS:
                break
    except pypdfium2.PdfiumError:
        return []
    return found


def _joined(texts: list[str], bookmarks: list[tuple[int, str, int]]) -> Extracted:
    empty = sum(not text for text in texts)
    if not texts:
        raise UnreadableFile(NO_PAGES)
    if empty == len(texts):
        raise UnreadableFile(_only_pictures(empty))
    starts: list[int] = []
    at = 0
    for text in texts:
        starts.append(at)
        at += len(text) + len(_BETWEEN_PAGES)
    whole = _BETWEEN_PAGES.join(texts)
    return Extracted(
        text=whole,
        outline=_outline(whole, starts, bookmarks),
        pages=tuple(min(start, len(whole)) for start in starts),
        warnings=(_some_pictures(empty, len(texts)),) if empty else (),
        page_count=len(texts),
    )


def _outline(
    text: str, starts: list[int], bookmarks: list[tuple[int, str, int]]
) -> tuple[Heading, ...]:
    """Bookmarks whose title stands as a line of their page; others have no place in the text."""
    found: dict[int, Heading] = {}
    for level, title, page in bookmarks:
        if page >= len(starts):
            continue
        end = starts[page + 1] if page + 1 < len(starts) else len(text)
        at = _line_that_is(title, text, starts[page], end)
        if at is not None:
            found.setdefault(at, Heading(level, title, at))
    return tuple(found[at] for at in sorted(found))


def _line_that_is(title: str, text: str, start: int, end: int) -> int | None:
    wanted = "".join(title.split()).casefold()
    at = start
    for line in text[start:end].split("\n"):
        if len(line) < 400 and "".join(line.split()).casefold().endswith(wanted):
            return at
        at += len(line) + 1
    return None


def _only_pictures(pages: int) -> str:
    which = "The only page is a picture" if pages == 1 else f"All {pages:,} pages are pictures"
    return f"{which} without text. Run it through text recognition and add it again."


def _some_pictures(empty: int, pages: int) -> str:
    which = "1 page is a picture" if empty == 1 else f"{empty:,} pages are pictures"
    return f"{which} without text (of {pages:,}), so nothing is found on them."
