"""Releases as files: written whole, or as an extension that shares its base's files.

Both take rows as they come and keep only numbers of them in memory. What is written is flushed,
read back and asked for itself before the caller gives the folder its name.
"""

import os
import shutil
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.retrieval.backends.codes import write_codes
from knowledge.retrieval.backends.file_index import DEFAULTS, FileIndex, Options
from knowledge.retrieval.backends.manifest import (
    WORDS,
    Description,
    Sizes,
    read_description,
    seal,
)
from knowledge.retrieval.backends.parts import (
    BASE,
    RECENT,
    codes_path,
    hidden_path,
    read_hidden,
    vectors_path,
)
from knowledge.retrieval.backends.row_files import RowFiles, RowWriter, sorted_ids
from knowledge.retrieval.backends.vectors import VectorFile, VectorWriter
from knowledge.retrieval.backends.word_files import WordWriter
from knowledge.retrieval.types import BuildFailed, IndexRow, IndexUnusable, Manifest, Mask

_PROBES = 16
_TOLERANCE = 1e-4
# Tantivy replaces these two as wholes; copies keep the base's apart whatever it does.
_REPLACED = (f"{WORDS}/meta.json", f"{WORDS}/.managed.json")
_ERRORS = (OSError, ValueError, RuntimeError, IndexUnusable)


def build(
    folder: Path,
    rows: Iterable[IndexRow],
    dimension: int,
    extra: dict[str, object],
    *,
    options: Options = DEFAULTS,
) -> Manifest:
    """Write a release into an empty temporary folder that the caller renames.

    Raises BuildFailed; the folder's content is then worthless.
    """
    table = RowWriter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with WordWriter(folder / WORDS) as words, ThreadPoolExecutor(1) as pool:
            file, is_unit = vectors_path(folder, BASE), has_unit_vectors(extra)
            with VectorWriter(file, dimension, is_unit=is_unit) as vectors:
                for number, row in enumerate(rows):
                    table.add(row)
                    vectors.add(row.vector)
                    words.add(number, row)
            committing = pool.submit(words.finish)
            table.write(folder, BASE)
            size = _write_codes(folder, BASE, dimension, options)
            committing.result()
        sizes = Sizes(size, len(table.documents()), dimension)
        made = seal(folder, sizes, extra, {vectors.name: vectors.sha256})
        _prove(FileIndex.open(folder, verify=True), first=0)
    except _ERRORS as error:
        raise BuildFailed(f"The index was not written: {error}") from error
    return made


def _write_codes(folder: Path, part: str, dimension: int, options: Options) -> int:
    """Codes where there are many vectors; returns how many there are.

    Without FAISS there are none, and every search multiplies all vectors.
    """
    vectors = VectorFile(vectors_path(folder, part), dimension, None)
    if vectors.size > options.exact_up_to and (library := options.library) is not None:
        write_codes(codes_path(folder, part), vectors.values, library)
    return vectors.size


@dataclass(frozen=True)
class Change:
    """What an extension brings: rows, and documents that go; ``extra`` is kept as it is."""

    rows: Iterable[IndexRow]
    replaced: Collection[int]
    extra: dict[str, object]


def extend(folder: Path, base: Path, change: Change, *, options: Options = DEFAULTS) -> Manifest:
    """Write what ``base`` holds without the replaced documents, and these rows.

    The same into an empty temporary folder. The base's large files are linked, never written.
    Raises BuildFailed, and IndexUnusable where the base cannot be used.
    """
    described = read_description(base, verify=False)
    dimension = described.manifest.dimension
    before = _Before(base, described)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = _link(base, folder, described)
        table = RowWriter(before.recent)
        writer = VectorWriter(
            vectors_path(folder, RECENT),
            dimension,
            after=before.vectors,
            is_unit=has_unit_vectors(described.manifest.extra),
        )
        with writer as vectors, WordWriter(folder / WORDS, is_extension=True) as words:
            gone = set(change.replaced)
            words.delete(sorted(gone))
            for number, row in enumerate(change.rows, before.size):
                if table.add(row) and row.document_id not in gone:
                    gone.add(row.document_id)
                    words.delete([row.document_id])
                vectors.add(row.vector)
                words.add(number, row)
            words.finish()
        table.write(folder, RECENT)
        _write_codes(folder, RECENT, dimension, options)
        sizes = before.hide(folder, gone, dimension)
        made = seal(folder, sizes, change.extra, {**known, vectors.name: vectors.sha256})
        _prove(FileIndex.open(folder, verify=True, trusted=known), first=before.size)
    except _ERRORS as error:
        raise BuildFailed(f"The index was not extended: {error}") from error
    return made


def has_unit_vectors(extra: dict[str, object]) -> bool:
    """Whether a release's model gives vectors of unit length, as it does unless said otherwise."""
    return extra.get("metric") != "dot"


class _Before:
    """What an extension begins with: the base's rows, and what is hidden of them."""

    def __init__(self, folder: Path, described: Description) -> None:
        self._base = RowFiles(folder, BASE)
        self._hidden = read_hidden(folder, BASE, len(self._base.documents))
        self.recent: RowFiles | None = None
        self.vectors: Path | None = None
        self._recent_hidden: Mask = np.zeros(0, dtype=np.bool_)
        if described.has_recent:
            self.recent = RowFiles(folder, RECENT)
            self.vectors = vectors_path(folder, RECENT)
            self._recent_hidden = read_hidden(folder, RECENT, len(self.recent.documents))
        self.size = self._base.size + (self.recent.size if self.recent else 0)

    def hide(self, folder: Path, gone: Collection[int], dimension: int) -> Sizes:
        """Write what the extension hides; its counts."""
        document_ids = sorted_ids(gone)
        recent = RowFiles(folder, RECENT)
        base_hidden = self._hidden | self._base.of(document_ids)
        recent_hidden = np.zeros(len(recent.documents), dtype=np.bool_)
        if self.recent is not None:
            earlier = len(self._recent_hidden)
            recent_hidden[:earlier] = self._recent_hidden | self.recent.of(document_ids)
        shown = documents = 0
        for name, rows, hidden in (
            (BASE, self._base, base_hidden),
            (RECENT, recent, recent_hidden),
        ):
            np.save(hidden_path(folder, name), hidden, allow_pickle=False)
            shown += rows.size - int(np.count_nonzero(hidden[rows.places]))
            documents += len(hidden) - int(np.count_nonzero(hidden))
        return Sizes(shown, documents, dimension, recent.size)


def _link(base: Path, folder: Path, described: Description) -> dict[str, str]:
    """Give the folder the base's files by other names; returns the checksums of those linked.

    Where the file system has no links it gets copies, whose checksums are taken again.
    """
    (folder / WORDS).mkdir()
    linked = {}
    own = (f"{RECENT}.", hidden_path(base, BASE).name)
    for name, checksum in described.checksums.items():
        if name.startswith(own):
            continue
        if name not in _REPLACED and _is_linked(base / name, folder / name):
            linked[name] = checksum
        else:
            shutil.copyfile(base / name, folder / name)
    return linked


def _is_linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _prove(index: FileIndex, *, first: int) -> None:
    """Ask the index for a few of its own rows from ``first`` on, both ways."""
    everyone = index.allow(None)
    rows = np.flatnonzero(everyone.mask[first:]) + first
    if not len(rows):
        return
    for row in np.unique(rows[np.linspace(0, len(rows) - 1, _PROBES, dtype=np.int64)]).tolist():
        vector = index.vectors([row])[0]
        found = index.dense(vector, everyone, 1)
        if not found or found[0].score < float(vector @ vector) * (1 - _TOLERANCE):
            raise BuildFailed("The index does not find its own vectors.")
        if not index.has_words(row):
            raise BuildFailed("The index does not find its own words.")
