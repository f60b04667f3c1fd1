"""DOCX: the archive is checked first, then Word's styles become HTML and that Markdown."""

import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from xml.parsers.expat import ExpatError

import mammoth

from knowledge.ingestion.html_text import to_markdown
from knowledge.ingestion.loaders import Report
from knowledge.ingestion.loaders.checks import checked
from knowledge.ingestion.markdown import outline
from knowledge.ingestion.types import (
    MEBIBYTE,
    Extracted,
    LimitExceeded,
    Limits,
    UnreadableFile,
    UnsupportedFile,
)

DAMAGED = "The file is damaged or is not a Word document."
BOMB = "The file unpacks to far more than a document needs, so it was not opened."
DOCTYPE = "The file declares XML entities, which Word documents never do, so it was not opened."
ENCRYPTED = "The file needs a password."
_MAX_RATIO = 100  # Word's XML packs 5 to 20 times; a bomb 1,000
_RATIO_COUNTS_FROM = MEBIBYTE
# As bytes of UTF-8, or of UTF-16 in either order once NUL is left out.
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ENCRYPTED_FLAG = 0x1
# Mammoth has no errors of its own: what a damaged part makes it raise.
_MAMMOTH_SAYS_NO = (
    KeyError, ValueError, OSError, AttributeError, IndexError, TypeError, ExpatError,
    RecursionError,
)  # fmt: skip


def load(path: Path, limits: Limits, report: Report) -> Extracted:
    """The text with its headings; tables are Markdown tables, pictures are left out."""
    _check_archive(path, limits)
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
        raise UnreadableFile(DAMAGED) from error
    return str(result.value)


def _no_picture(_image: object) -> list[object]:
    return []


def _check_archive(path: Path, limits: Limits) -> None:
    """Refuse what unpacks to too much, names that lead out, and XML with a DOCTYPE."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(members, limits)
            if "word/document.xml" not in archive.namelist():
                raise UnsupportedFile(DAMAGED)
            for member in members:
                if member.filename.endswith((".xml", ".rels")):
                    _check_part(archive, member)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError) as error:
        raise UnreadableFile(DAMAGED) from error
    except (NotImplementedError, zlib.error) as error:
        raise UnreadableFile(DAMAGED) from error


def _check_members(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(members) > limits.max_archive_members:
        raise LimitExceeded(BOMB)
    if sum(member.file_size for member in members) > limits.max_unpacked_bytes:
        raise LimitExceeded(BOMB)
    for member in members:
        if member.flag_bits & _ENCRYPTED_FLAG:
            raise UnreadableFile(ENCRYPTED)
        packed = max(member.compress_size, 1)
        if member.file_size > _RATIO_COUNTS_FROM and member.file_size / packed > _MAX_RATIO:
            raise LimitExceeded(BOMB)
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts:
            raise UnreadableFile(DAMAGED)


def _check_part(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read a part in pieces, never more than it declares, looking for a DOCTYPE."""
    tail = b""
    with archive.open(member) as part:
        while piece := part.read(MEBIBYTE):
            window = tail + piece
            if _DOCTYPE.search(window.replace(b"\x00", b"")):
                raise UnreadableFile(DOCTYPE)
            tail = window[-32:]
