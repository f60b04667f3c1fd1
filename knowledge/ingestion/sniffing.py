"""What a file is: its extension and its first bytes must agree. Neither is trusted alone."""

import re
import unicodedata
from enum import StrEnum

from knowledge.ingestion.cleaning import strip_invisible
from knowledge.ingestion.decoding import looks_like_text
from knowledge.ingestion.types import UnreadableFile, UnsupportedFile


class MediaType(StrEnum):
    """The formats that are taken."""

    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    HTML = "text/html"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    ZIP = "application/zip"  # its members are documents, itself is none


SUPPORTED: dict[str, MediaType] = {
    "md": MediaType.MARKDOWN,
    "markdown": MediaType.MARKDOWN,
    "txt": MediaType.TEXT,
    "text": MediaType.TEXT,
    "html": MediaType.HTML,
    "htm": MediaType.HTML,
    "pdf": MediaType.PDF,
    "docx": MediaType.DOCX,
    "pptx": MediaType.PPTX,
    "xlsx": MediaType.XLSX,
    "csv": MediaType.CSV,
    "tsv": MediaType.TSV,
    "zip": MediaType.ZIP,
}
HEAD_BYTES = 4096  # how much of a file `recognise` wants to see

EMPTY = "The file is empty."
NOT_TAKEN = (
    "Files of this type are not taken. Use Markdown, text, HTML, PDF, DOCX, PPTX, XLSX, CSV or ZIP."
)
OLD_OFFICE = "This is an old or password-protected Office file. Save it as {} without a password."
OLD_FORMAT = "This is an old Office format. Save it as {} and add it again."
NEEDS_PASSWORD = "The file needs a password. Save it without one and add it again."  # noqa: S105
MACROS = "Files with macros are not taken. Save it as {} and add it again."

_PDF_HEADER_WITHIN = 1024  # readers accept that much before %PDF-
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED_OLE = "EncryptedPackage".encode("utf-16-le")  # in the directory of an encrypted one
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_OFFICE_FOLDERS = {MediaType.DOCX: b"word/", MediaType.PPTX: b"ppt/", MediaType.XLSX: b"xl/"}
_OFFICE_FIRST_NAMES = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"customXml/")
_OLD_FORMATS = {
    **dict.fromkeys(("doc", "dot", "rtf", "odt", "wps"), "DOCX"),
    **dict.fromkeys(("ppt", "pps", "pot", "odp"), "PPTX"),
    **dict.fromkeys(("xls", "xlt", "xlsb", "ods"), "XLSX"),
}
_MACRO_FORMATS = {
    **dict.fromkeys(("docm", "dotm"), "DOCX"),
    **dict.fromkeys(("pptm", "potm", "ppsm"), "PPTX"),
    **dict.fromkeys(("xlsm", "xltm", "xlam"), "XLSX"),
}
# Begins of files that are surely not text, even where their first bytes could be read as such.
_BINARY_STARTS = (
    b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x7fELF", b"MZ\x90",
    b"\x1f\x8b", b"BZh9", b"7z\xbc\xaf", b"Rar!", b"RIFF", b"{\\rtf", b"SQLite format 3", _OLE,
)  # fmt: skip
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,16})$")
_NAME_MAX = 200


def recognise(head: bytes, file_name: str, declared: str = "") -> MediaType:
    """The media type of a file, from its first HEAD_BYTES and its name.

    ``declared`` (a browser's word) counts only for a name without an extension. Raises
    UnsupportedFile when the type is not taken or the bytes are not what the name says, and
    UnreadableFile when the file is empty.
    """
    expected = _expected(file_name, declared)
    if expected is None:
        raise UnsupportedFile(_not_taken(file_name))
    if not head:
        raise UnreadableFile(EMPTY)
    if not _agrees(expected, head):
        raise UnsupportedFile(_disagreement(expected, head))
    return expected


def clean_file_name(name: str) -> str:
    """A name for display: no folders, controls or bidi marks, NFC, at most 200 characters."""
    last = re.split(r"[/\\]", name)[-1]
    visible = strip_invisible(unicodedata.normalize("NFC", last)).replace("\ufffd", "")
    shown = " ".join(visible.split()).strip(". ") or "document"
    if len(shown) <= _NAME_MAX:
        return shown
    ending = _EXTENSION.search(shown)
    tail = ending.group() if ending else ""
    return shown[: _NAME_MAX - len(tail)] + tail


def _ending(file_name: str) -> str:
    """The extension in lower case without its dot; empty where there is none."""
    found = _EXTENSION.search(clean_file_name(file_name))
    return found.group(1).lower() if found else ""


def _expected(file_name: str, declared: str) -> MediaType | None:
    ending = _ending(file_name)
    if ending:
        return SUPPORTED.get(ending)
    kind = declared.partition(";")[0].strip().lower()
    return next((media for media in MediaType if media.value == kind), None)


def _not_taken(file_name: str) -> str:
    """Why, and what to save the file as."""
    ending = _ending(file_name)
    if ending in _OLD_FORMATS:
        return OLD_FORMAT.format(_OLD_FORMATS[ending])
    if ending in _MACRO_FORMATS:
        return MACROS.format(_MACRO_FORMATS[ending])
    return NOT_TAKEN


def _agrees(expected: MediaType, head: bytes) -> bool:
    if expected is MediaType.PDF:
        return b"%PDF-" in head[:_PDF_HEADER_WITHIN]
    if expected is MediaType.ZIP:
        return head.startswith((_ZIP, _EMPTY_ZIP))
    if expected in _OFFICE_FOLDERS:
        # A local file header is 30 bytes long, then comes the first member's name. What the whole
        # archive says of itself is looked at when it is read.
        names = (*_OFFICE_FIRST_NAMES, _OFFICE_FOLDERS[expected])
        return head.startswith(_ZIP) and head[30:].startswith(names)
    return not head.startswith(_BINARY_STARTS) and looks_like_text(head)


def _disagreement(expected: MediaType, head: bytes) -> str:
    if expected in _OFFICE_FOLDERS and head.startswith(_OLE):
        return NEEDS_PASSWORD if _ENCRYPTED_OLE in head else OLD_OFFICE.format(expected.name)
    words = {MediaType.MARKDOWN: "Markdown", MediaType.TEXT: "text"}
    name = words.get(expected, expected.name)
    return f"The file is named like {name} but its content is something else."
