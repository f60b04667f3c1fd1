"""What a build says about itself: its sizes, and the length and checksum of each of its files."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from knowledge.retrieval.types import IndexUnusable, Manifest

VECTORS = "vectors.faiss"
ROWS = "rows.npz"
WORDS = "lexical"
MANIFEST = "manifest.json"
FORMAT = 1
_MANIFEST_MAX_BYTES = 4 * 1024 * 1024


def seal(folder: Path, sizes: dict[str, int], extra: dict[str, object]) -> Manifest:
    """Flush every file, write the manifest, flush that and the folders."""
    files = {}
    for path in _files(folder):
        _flush(path)
        name = path.relative_to(folder).as_posix()
        files[name] = {"size": path.stat().st_size, "sha256": _sha256(path)}
    values = {"format": FORMAT, **sizes, "files": files, "extra": extra}
    (folder / MANIFEST).write_text(json.dumps(values, indent=1), encoding="utf-8")
    for path in (folder / MANIFEST, folder / WORDS, folder):
        _flush(path)
    return read_manifest(folder, verify=False)


def read_manifest(folder: Path, *, verify: bool) -> Manifest:
    """The manifest of a build whose files have its sizes (and checksums); else IndexUnusable."""
    try:
        data = (folder / MANIFEST).read_bytes()[:_MANIFEST_MAX_BYTES]
        values: dict[str, Any] = json.loads(data)
        if values["format"] != FORMAT:
            raise IndexUnusable(f"The index has format {values['format']}, not {FORMAT}.")
        total = len(data)
        for name, expected in values["files"].items():
            _compare(folder / name, expected, verify=verify)
            total += int(expected["size"])
        return Manifest(
            rows=int(values["rows"]),
            documents=int(values["documents"]),
            dimension=int(values["dimension"]),
            bytes=total,
            sha256=hashlib.sha256(data).hexdigest(),
            extra=dict(values["extra"]),
        )
    except FileNotFoundError as error:
        raise IndexUnusable("A file of the index is missing.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexUnusable("The manifest of the index cannot be read.") from error


def _files(folder: Path) -> list[Path]:
    """All files that are the index; tantivy's locks come and go."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path for path in found if path.name != MANIFEST)


def _compare(path: Path, expected: dict[str, Any], *, verify: bool) -> None:
    if path.stat().st_size != expected["size"]:
        raise IndexUnusable(f"{path.name} of the index does not have the size it was written with.")
    if verify and _sha256(path) != expected["sha256"]:
        raise IndexUnusable(f"{path.name} of the index is damaged: its checksum differs.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """To disk; a folder is flushed so that the names in it last (Windows cannot, and need not)."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
