"""The engine of files: a folder for each release, mapped by every process of a machine.

A release is written under a temporary name and renamed when it is whole. It is never changed once
it has its name, since truncating a mapped file kills every process that maps it.
"""

import shutil
import uuid
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from knowledge.retrieval.backends.audience import Allowed
from knowledge.retrieval.backends.file_build import Change, build, extend
from knowledge.retrieval.backends.file_index import DEFAULTS, FileIndex, Options
from knowledge.retrieval.backends.manifest import MANIFEST, flush
from knowledge.retrieval.backends.native import engine_name
from knowledge.retrieval.types import BuildFailed, IndexRow, IndexUnusable, Manifest

__all__ = [
    "TEMPORARY",
    "Allowed",
    "BuildFailed",
    "FileIndex",
    "FilesEngine",
    "IndexRow",
    "IndexUnusable",
    "Manifest",
    "Options",
    "build",
    "engine_name",
]

TEMPORARY = ".tmp-"


class FilesEngine:
    """Releases as folders below a root."""

    name = "files"

    def __init__(self, root: Path, options: Options = DEFAULTS) -> None:
        self.root = root
        self._options = options

    def build(
        self, name: str, rows: Iterable[IndexRow], dimension: int, extra: dict[str, object]
    ) -> Manifest:
        """Write a release; raises BuildFailed."""

        def write(folder: Path) -> Manifest:
            return build(folder, rows, dimension, extra, options=self._options)

        return self._published(name, write)

    def extend(
        self,
        name: str,
        base: str,
        rows: Iterable[IndexRow],
        replaced: Collection[int],
        extra: dict[str, object],
    ) -> Manifest:
        """Write a release that shares the files of another one, which may be removed later.

        Raises BuildFailed, and IndexUnusable where the base cannot be used.
        """

        def write(folder: Path) -> Manifest:
            change = Change(rows, replaced, extra)
            return extend(folder, self._folder(base), change, options=self._options)

        return self._published(name, write)

    def open(self, name: str, *, verify: bool = False) -> FileIndex:
        """Map a release; raises IndexUnusable."""
        return FileIndex.open(self._folder(name), verify=verify, options=self._options)

    def remove(self, name: str) -> None:
        """Delete a release; processes that have it open keep it until they let go."""
        if name:
            shutil.rmtree(self.root / name, ignore_errors=True)

    def names(self) -> set[str]:
        """The complete releases below the root."""
        found = {path.parent.name for path in self.root.glob(f"*/{MANIFEST}")}
        return {name for name in found if not name.startswith(TEMPORARY)}

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        if not name or not folder.is_dir():
            raise IndexUnusable("its folder is missing")
        return folder

    def _published(self, name: str, write: Callable[[Path], Manifest]) -> Manifest:
        """Write aside and rename: killed at any moment, a release is there whole or not at all."""
        temporary = self.root / f"{TEMPORARY}{uuid.uuid4().hex}"
        try:
            temporary.mkdir(mode=0o700, parents=True)
            manifest = write(temporary)
            self.remove(name)  # left by a database that was restored since
            temporary.rename(self.root / name)
            flush(self.root)  # the name survives a power cut
        except OSError as error:
            raise BuildFailed(f"The index was not written: {error}") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return manifest
