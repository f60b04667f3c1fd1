"""What a release says about itself: its sizes, and the length and checksum of each of its files."""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.retrieval.types import IndexUnusable, Manifest

WORDS = "lexical"
MANIFEST = "manifest.json"
FORMAT = 2
_MANIFEST_MAX_BYTES = 4 * 1024 * 1024
_AT_A_TIME = 2  # checksums: a core each


@dataclass(frozen=True)
class Sizes:
    """Counts of a release: rows and documents without hidden ones, rows that were added to it."""

    rows: int
    documents: int
    dimension: int
    recent: int = 0


@dataclass(frozen=True)
class Description:
    """A manifest with what only the files engine needs to know: each file's checksum."""

    manifest: Manifest
    checksums: dict[str, str]

    @property
    def has_recent(self) -> bool:
        """Whether the release is an extension."""
        return self.manifest.recent > 0


def seal(
    folder: Path, sizes: Sizes, extra: Mapping[str, object], known: Mapping[str, str]
) -> Manifest:
    """Flush every file, write the manifest, flush that and the folders.

    ``known`` are checksums of files, by name, that need not be read again. Those that are links
    to another release's files were flushed with it.
    """
    names = [path.relative_to(folder).as_posix() for path in _files(folder)]
    for name in names:
        flush(folder / name)
    unknown = [name for name in names if name not in known]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        sums = dict(
            zip(unknown, pool.map(lambda name: _sha256(folder / name), unknown), strict=True)
        )
    files = {
        name: {"size": (folder / name).stat().st_size, "sha256": known.get(name) or sums[name]}
        for name in names
    }
    values = {"format": FORMAT, **vars(sizes), "files": files, "extra": dict(extra)}
    (folder / MANIFEST).write_text(json.dumps(values, indent=1), encoding="utf-8")
    for path in (folder / MANIFEST, folder / WORDS, folder):
        flush(path)
    return read_manifest(folder, verify=False)


def read_manifest(folder: Path, *, verify: bool) -> Manifest:
    """The manifest of a release whose files have its sizes (and checksums); else IndexUnusable."""
    return read_description(folder, verify=verify).manifest


def read_description(folder: Path, *, verify: bool, trusted: Collection[str] = ()) -> Description:
    """The same with the checksums that it names; ``trusted`` files are not read to verify them."""
    try:
        data = (folder / MANIFEST).read_bytes()[:_MANIFEST_MAX_BYTES]
        values: dict[str, Any] = json.loads(data)
        if values["format"] != FORMAT:
            raise IndexUnusable(f"The index has format {values['format']}, not {FORMAT}.")
        files: dict[str, dict[str, Any]] = values["files"]
        total = _compare_sizes(folder, files)
        if verify:
            _compare_checksums(folder, {n: f for n, f in files.items() if n not in trusted})
        manifest = Manifest(
            rows=int(values["rows"]),
            documents=int(values["documents"]),
            dimension=int(values["dimension"]),
            bytes=len(data) + total,
            sha256=hashlib.sha256(data).hexdigest(),
            extra=dict(values["extra"]),
            recent=int(values["recent"]),
        )
        return Description(manifest, {name: str(file["sha256"]) for name, file in files.items()})
    except FileNotFoundError as error:
        raise IndexUnusable("A file of the index is missing.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexUnusable("The manifest of the index cannot be read.") from error


def _files(folder: Path) -> list[Path]:
    """All files that are the index; tantivy's locks come and go."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path for path in found if path.name != MANIFEST)


def _compare_sizes(folder: Path, files: dict[str, dict[str, Any]]) -> int:
    """The bytes of all files; raises IndexUnusable."""
    for name, expected in files.items():
        if (folder / name).stat().st_size != expected["size"]:
            raise IndexUnusable(f"{name} of the index does not have the size it was written with.")
    return sum(int(expected["size"]) for expected in files.values())


def _compare_checksums(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        sums = pool.map(lambda name: _sha256(folder / name), files)
        for (name, expected), found in zip(files.items(), sums, strict=True):
            if found != expected["sha256"]:
                raise IndexUnusable(f"{name} of the index is damaged: its checksum differs.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """To disk; a folder is flushed so that the names in it last (Windows cannot, and need not)."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def parsed_manifest(text: str) -> Manifest:
    """A manifest that a database keeps as one text; its checksum is that of the text."""
    values = json.loads(text)
    return Manifest(
        rows=int(values["rows"]),
        documents=int(values["documents"]),
        dimension=int(values["dimension"]),
        bytes=int(values["bytes"]),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        extra=dict(values["extra"]),
    )
