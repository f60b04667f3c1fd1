"""What lies in a folder: its files by path, without following a link, and what could not be read.

A file is opened by the path that was seen and must be the very file that was seen, so that what
was swapped in between (by a link to somewhere else, by a program that is still writing) is not
taken.
"""

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from knowledge.ingestion.sniffing import SUPPORTED

LONGEST_PATH = 500  # characters, as the row takes
_ARCHIVES = frozenset({"zip"})
_PASSED_OVER = (".", "~$")  # hidden files, and what Office keeps beside an open document
LINK = "This is a link. Links are not followed."
ARCHIVE = "An archive is not taken apart here. Unpack it in the folder."
STRANGE_NAME = "The name cannot be read as text. Rename the file."
LONG_NAME = f"The path is longer than {LONGEST_PATH} characters. Shorten it."


class FolderUnreadable(Exception):
    """The folder itself is not there, or may not be read."""


class Changing(Exception):
    """The file is not as it was seen: somebody writes it, or it was replaced."""


@dataclass(frozen=True)
class Found:
    """A file: its path below the folder, with "/" between the parts, and what tells a change."""

    path: str
    size: int
    modified_at: float  # seconds since 1970
    identity: tuple[int, int]  # device and inode


@dataclass
class Scan:
    """What was seen. Where ``unreadable`` is not empty, more may be there than was seen."""

    device: int
    files: dict[str, Found] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)  # sentences about what is not taken
    unreadable: dict[str, str] = field(default_factory=dict)  # folders below that gave no list
    left_out: int = 0  # files of types that are not taken

    def has(self, path: str) -> bool:
        """Whether something of this path is there, taken or not."""
        return path in self.files or path in self.problems


def scan(root: Path, without: Collection[Path] = ()) -> Scan:
    """The files of a folder and of those below it, but for some folders.

    Raises:
        FolderUnreadable: with a sentence.
    """
    try:
        seen = Scan(root.stat().st_dev)
        waiting = [(root, "")]
        with os.scandir(root):
            pass  # it can be listed at all
    except OSError as error:
        raise FolderUnreadable(_why(root, error)) from error
    left_out = {str(path) for path in without}
    while waiting:
        folder, prefix = waiting.pop()
        try:
            with os.scandir(folder) as listed:
                for entry in listed:
                    below = _look(entry, prefix, seen)
                    if below is not None and below[0] not in left_out:
                        waiting.append((Path(below[0]), below[1]))
        except OSError as error:
            seen.unreadable[prefix.rstrip("/") or "."] = _why(folder, error)
    return seen


@contextmanager
def opened(root: Path, found: Found) -> Iterator[IO[bytes]]:
    """A file's bytes. It is the file that was seen, as it was, before and after.

    Raises:
        Changing: it is another one by now, or was written meanwhile.
        OSError: it may not be read.
    """
    # Neither a link nor a pipe that nobody writes to may hold us up.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(root / found.path, flags), "rb") as stream:
        if not _is_as_seen(stream.fileno(), found):
            raise Changing
        yield stream
        if not _is_as_seen(stream.fileno(), found):
            raise Changing


def seen_again(root: Path, found: Found) -> bool:
    """Whether a file is still as it was seen."""
    try:
        return _facts(os.lstat(root / found.path)) == _own_facts(found)
    except OSError:
        return False


def _look(entry: os.DirEntry[str], prefix: str, seen: Scan) -> tuple[str, str] | None:
    """Note an entry; a folder is given back, as its full path and its prefix."""
    if entry.name.startswith(_PASSED_OVER):
        return None
    path = f"{prefix}{entry.name}"
    ending = entry.name.rpartition(".")[2].lower() if "." in entry.name else ""
    if entry.is_symlink():
        seen.problems[_printable(path)] = LINK
    elif entry.is_dir(follow_symlinks=False):
        return entry.path, f"{path}/"
    elif not entry.is_file(follow_symlinks=False):
        seen.left_out += 1
    elif ending in _ARCHIVES:
        seen.problems[_printable(path)] = ARCHIVE
    elif ending not in SUPPORTED:
        seen.left_out += 1
    else:
        _note_file(entry, path, seen)
    return None


def _note_file(entry: os.DirEntry[str], path: str, seen: Scan) -> None:
    if _printable(path) != path:
        seen.problems[_printable(path)] = STRANGE_NAME
    elif len(path) > LONGEST_PATH:
        seen.problems[path] = LONG_NAME
    else:
        facts = entry.stat(follow_symlinks=False)
        identity = (facts.st_dev, facts.st_ino)
        seen.files[path] = Found(path, facts.st_size, facts.st_mtime, identity)


def _printable(path: str) -> str:
    """A path without bytes that are no text."""
    return path.encode("utf-8", "replace").decode("utf-8").replace("\x00", "?")


def _is_as_seen(handle: int, found: Found) -> bool:
    facts = os.fstat(handle)
    return stat.S_ISREG(facts.st_mode) and _facts(facts) == _own_facts(found)


def _facts(facts: os.stat_result) -> tuple[int, float, tuple[int, int]]:
    return facts.st_size, facts.st_mtime, (facts.st_dev, facts.st_ino)


def _own_facts(found: Found) -> tuple[int, float, tuple[int, int]]:
    return found.size, found.modified_at, found.identity


def _why(folder: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"The folder {folder} is not there."
    if isinstance(error, NotADirectoryError):
        return f"{folder} is not a folder."
    if isinstance(error, PermissionError):
        return f"The folder {folder} may not be read."
    return f"The folder {folder} cannot be read: {error.strerror}."
