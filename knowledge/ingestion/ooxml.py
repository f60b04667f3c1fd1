"""Office files (DOCX, PPTX, XLSX): ZIP archives of XML parts, checked before a reader opens them.

Which of the three a file is, its own table of content types says, not its name. Every part of XML
is read once in pieces: none may declare a document type (so no entities, no references to other
files) or an encoding in which that could hide.
"""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from knowledge.ingestion import archive
from knowledge.ingestion.types import (
    MEBIBYTE,
    LimitExceeded,
    Limits,
    UnreadableFile,
    UnsupportedFile,
)

DOCTYPE = "The file declares XML entities, which Office files never do, so it was not opened."
ENCRYPTED = "The file needs a password. Save it without one and add it again."
MACROS = "The file holds macros. Save it without macros and add it again."
BOMB = "The file unpacks to far more than a document needs, so it was not opened."

# As bytes of UTF-8, or of UTF-16 in either order once NUL is left out.
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding\s{0,4}=\s{0,4}[\"']([A-Za-z0-9._-]{1,40})")
# In these "<!DOCTYPE" is spelt in ASCII, give or take NUL; in UTF-7 or EBCDIC it is not.
_PLAIN_ENCODINGS = frozenset(
    b"utf-8 utf8 utf-16 utf-16le utf-16be us-ascii ascii iso-8859-1 windows-1252".split()
)
_CONTENT_TYPE = re.compile(rb"ContentType\s{0,8}=\s{0,8}[\"']([^\"'<>]{1,200})[\"']")
_TYPES_PART = "[Content_Types].xml"
_TYPES_MAX = 4 * MEBIBYTE
_XML_ENDINGS = (".xml", ".rels", ".vml")


@dataclass(frozen=True)
class OfficeKind:
    """One of the three kinds: its words, its folder in the archive, its main content type."""

    noun: str
    extension: str
    folder: str
    main: bytes

    @property
    def damaged(self) -> str:
        return f"The file is damaged or is not {self.noun}."


WORD = OfficeKind("a Word document", "docx", "word/", b"wordprocessingml.")
POWERPOINT = OfficeKind("a PowerPoint presentation", "pptx", "ppt/", b"presentationml.")
EXCEL = OfficeKind("an Excel workbook", "xlsx", "xl/", b"spreadsheetml.")
_KINDS = (WORD, POWERPOINT, EXCEL)


def check_package(path: Path, kind: OfficeKind, limits: Limits) -> None:
    """Raises unless the file is of this kind and its parts are safe to give to a reader.

    UnsupportedFile: another kind, or macros. UnreadableFile: damaged, a password, a DOCTYPE.
    LimitExceeded: more parts or bytes than a document may have.
    """
    try:
        with archive.opened(path, limits) as package:
            infos = package.infolist()
            for info in infos:
                archive.check_member(info, limits)
            _check_kind(package, kind)
            for info in infos:
                _check_part(package, info, kind)
    except UnreadableFile as error:
        known = {archive.DAMAGED: kind.damaged, archive.ENCRYPTED: ENCRYPTED}
        sentence = known.get(error.sentence, error.sentence)
        if sentence in _OF_MEMBERS:
            sentence = kind.damaged
        raise UnreadableFile(sentence) from error
    except LimitExceeded as error:
        raise LimitExceeded(BOMB) from error


_OF_MEMBERS = frozenset(
    {archive.BAD_NAME, archive.LINK, archive.METHOD, archive.MEMBER_DAMAGED, archive.EMPTY}
)


def _check_kind(package: zipfile.ZipFile, kind: OfficeKind) -> None:
    names = package.namelist()
    types = _content_types(package) if _TYPES_PART in names else []
    mains = [found for found in types if b".main+xml" in found or b".main" in found[-20:]]
    if any(b"macroenabled" in found.lower() for found in types) or any(
        name.endswith("vbaProject.bin") for name in names
    ):
        raise UnsupportedFile(MACROS)
    if any(kind.main in found for found in mains):
        return
    for other in _KINDS:
        if any(other.main in found for found in mains):
            raise UnsupportedFile(
                f"The file is named like {kind.extension.upper()} but is {other.noun}. "
                f"Name it .{other.extension} and add it again."
            )
    raise UnsupportedFile(kind.damaged)


def _content_types(package: zipfile.ZipFile) -> list[bytes]:
    with package.open(_TYPES_PART) as part:
        data = part.read(_TYPES_MAX).replace(b"\x00", b"")
    if _DOCTYPE.search(data):
        raise UnreadableFile(DOCTYPE)
    return _CONTENT_TYPE.findall(data)


def _check_part(package: zipfile.ZipFile, info: zipfile.ZipInfo, kind: OfficeKind) -> None:
    """Read a part in pieces, looking for a DOCTYPE; pictures and the like are not read."""
    tail = b""
    begin = b""
    with package.open(info) as part:
        while piece := part.read(MEBIBYTE):
            window = (tail + piece).replace(b"\x00", b"")
            begin = begin or window[:400].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
            if not info.filename.endswith(_XML_ENDINGS) and not begin.startswith(b"<"):
                return
            if _DOCTYPE.search(window):
                raise UnreadableFile(DOCTYPE)
            tail = piece[-32:]
    if begin and not begin.startswith(b"<"):
        raise UnreadableFile(kind.damaged)
    declared = _ENCODING.match(begin)
    if declared and declared.group(1).lower() not in _PLAIN_ENCODINGS:
        raise UnreadableFile(DOCTYPE)
