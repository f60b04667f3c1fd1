"""ZIP archives: each member a document of its own, opened one at a time and counted while read.

    for member in archive.members(path, limits):
        if member.refusal: tell the manager member.name and member.refusal
        else: read member.stream; it raises LimitExceeded or UnreadableFile where the member lies

Safe in the worker's own process: nothing is written or parsed, memory stays at some kilobytes, and
no name is used as a path. What a member holds is recognised and read like any other upload. An
archive that is neither too large nor damaged as a whole gives its good members whatever is wrong
with the others.
"""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from knowledge.ingestion.cleaning import strip_invisible
from knowledge.ingestion.decoding import normalise
from knowledge.ingestion.types import MEBIBYTE, LimitExceeded, Limits, UnreadableFile

DAMAGED = "The archive is damaged or is not a ZIP file."
EMPTY = "The archive has no files."
BOMB = "The archive unpacks to far more than documents need, so it was not opened."
MEMBER_BOMB = "The file unpacks to far more than a document needs, so it was left out."
MEMBER_DAMAGED = "The file is damaged inside the archive, so it was left out."
NESTED = "An archive inside an archive is not opened. Unpack it and add what is inside."
ENCRYPTED = "The file needs a password, so it was left out."
BAD_NAME = "The name leads out of the archive or is no file name, so the file was left out."
LINK = "This is a link and not a file, so it was left out."
METHOD = "The file is packed in a way that is not read. Pack it again as an ordinary ZIP file."
TWICE = "The archive has this name twice; only the first file was taken."

# What ZipFile and its streams raise for bytes that are not what they should be.
ZIP_SAYS_NO = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, OSError,
    RuntimeError, ValueError,
)  # fmt: skip
_NESTED_ENDINGS = "zip 7z rar gz tgz bz2 xz zst tar jar cab iso"
_NESTED = frozenset(_NESTED_ENDINGS.split())
_NOT_FILES = frozenset({"thumbs.db", "desktop.ini", ".ds_store"})
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # the others unpack unbounded
_ENCRYPTED_FLAG, _UTF8_FLAG = 0x1, 0x800
_ENTRY = b"PK\x01\x02"  # begins each entry of the directory
_RATIO_COUNTS_FROM = MEBIBYTE
_DRIVE = re.compile(r"[A-Za-z]:")
_NAME_MAX = 300  # characters that are shown of a name


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    ``name`` is its path in the archive, for display and as the name of an upload; ``refusal`` is a
    sentence where it is left out, and then ``stream`` has nothing. ``stream`` can be read once,
    until the next member is asked for.
    """

    name: str
    stream: IO[bytes]
    refusal: str = ""


def members(path: Path, limits: Limits) -> Iterator[Member]:
    """The files of an archive in its own order; folders and systems' own files are passed over.

    Raises UnreadableFile (damaged, empty) or LimitExceeded (too many members, too much inside)
    before the first member, or between two where the archive lies about itself.
    """
    with opened(path, limits) as archive:
        infos = [info for info in archive.infolist() if not _is_passed_over(info)]
        if not infos:
            raise UnreadableFile(EMPTY)
        count = _Count(limits, path.stat().st_size)
        seen: set[str] = set()
        for info in infos:
            count.check()
            name = shown_name(info)
            refusal = TWICE if name in seen else _refusal(info, limits)
            seen.add(name)
            if refusal:
                yield Member(name, io.BytesIO(), refusal)
                continue
            yield from _readable(archive, info, count)


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """An archive whose directory is of a sane size and claims no more than it may unpack to.

    What ZipFile raises while it is open becomes UnreadableFile.
    """
    if _entries(path) > limits.max_archive_members:
        raise LimitExceeded(
            f"The archive has more than {limits.max_archive_members:,} files, which is the limit."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive.infolist(), path.stat().st_size, limits)
            yield archive
    except ZIP_SAYS_NO as error:
        raise UnreadableFile(DAMAGED) from error


def check_member(info: zipfile.ZipInfo, limits: Limits) -> None:
    """Raises LimitExceeded for a member that declares a bomb, UnreadableFile for other refusals."""
    sentence = _refusal(info, limits)
    if sentence == MEMBER_BOMB:
        raise LimitExceeded(BOMB)
    if sentence and sentence != NESTED:  # what an Office file embeds is not opened anyway
        raise UnreadableFile(sentence)


def shown_name(info: zipfile.ZipInfo) -> str:
    """The member's name for display, with slashes between folders."""
    name = info.filename
    if not info.flag_bits & _UTF8_FLAG:
        try:  # programs that write UTF-8 and do not say so; ZipFile took it for code page 437
            name = name.encode("cp437").decode("utf-8")
        except ValueError:
            name = info.filename
    parts = strip_invisible(normalise(name.replace("\\", "/"))).split("/")
    shown = "/".join(" ".join(part.split()) for part in parts if part.strip())
    return shown[-_NAME_MAX:] or "document"


class _Count:
    """The bytes that all members together have given."""

    def __init__(self, limits: Limits, packed: int) -> None:
        by_ratio = max(packed * limits.max_archive_ratio, _RATIO_COUNTS_FROM)
        self._left = min(limits.max_unpacked_bytes, by_ratio)
        self.ratio = limits.max_archive_ratio

    def add(self, size: int) -> None:
        self._left -= size
        self.check()

    def check(self) -> None:
        if self._left < 0:
            raise LimitExceeded(BOMB)


class _Counted(io.RawIOBase):
    """A member's bytes, counted as they come: what its directory declares may be a lie."""

    def __init__(self, inner: IO[bytes], packed: int, count: _Count) -> None:
        super().__init__()
        self._inner = inner
        self._count = count
        self._most = max(packed * count.ratio, _RATIO_COUNTS_FROM)
        self._seen = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; raises LimitExceeded or UnreadableFile."""
        if size < 0:
            return b"".join(iter(lambda: self.read(MEBIBYTE), b""))
        try:
            data = self._inner.read(size)
        except ZIP_SAYS_NO as error:
            raise UnreadableFile(MEMBER_DAMAGED) from error
        self._seen += len(data)
        self._count.add(len(data))
        if self._seen > self._most:
            raise LimitExceeded(MEMBER_BOMB)
        return data


def _readable(archive: zipfile.ZipFile, info: zipfile.ZipInfo, count: _Count) -> Iterator[Member]:
    name = shown_name(info)
    try:
        stream = archive.open(info)
    except ZIP_SAYS_NO:  # for instance two members in one place
        yield Member(name, io.BytesIO(), MEMBER_DAMAGED)
        return
    with stream:
        yield Member(name, cast("IO[bytes]", _Counted(stream, info.compress_size, count)))


def _entries(path: Path) -> int:
    """How many entries the directory can have at most, before ZipFile makes an object of each."""
    found, tail = 0, b""
    with path.open("rb") as file:
        while piece := file.read(MEBIBYTE):
            window = tail + piece
            found += window.count(_ENTRY)
            tail = window[-3:]
    return found


def _check_sizes(infos: list[zipfile.ZipInfo], packed: int, limits: Limits) -> None:
    unpacked = sum(info.file_size for info in infos)
    claimed = sum(info.compress_size for info in infos)
    if unpacked > limits.max_unpacked_bytes or claimed > packed:  # members that share their bytes
        raise LimitExceeded(BOMB)


def _is_passed_over(info: zipfile.ZipInfo) -> bool:
    name = info.filename.replace("\\", "/").casefold()
    last = name.rpartition("/")[2]
    return not last or name.startswith("__macosx/") or last.startswith("._") or last in _NOT_FILES


def _refusal(info: zipfile.ZipInfo, limits: Limits) -> str:
    """Why a member is left out; empty where it can be read."""
    packed = max(info.compress_size, 1)
    is_bomb = (
        info.file_size > _RATIO_COUNTS_FROM and info.file_size / packed > limits.max_archive_ratio
    )
    found = {
        BAD_NAME: _is_bad_name(info.orig_filename),
        LINK: stat.S_ISLNK(info.external_attr >> 16),
        ENCRYPTED: bool(info.flag_bits & _ENCRYPTED_FLAG),
        METHOD: info.compress_type not in _METHODS,
        NESTED: info.filename.rpartition(".")[2].casefold() in _NESTED,
        MEMBER_BOMB: is_bomb,
    }
    return next((sentence for sentence, is_so in found.items() if is_so), "")


def _is_bad_name(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return (
        name.startswith(("/", "\\")) or ".." in parts or "\x00" in name or bool(_DRIVE.match(name))
    )
