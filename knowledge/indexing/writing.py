"""A build onto the disk: written aside, read back, renamed, synced."""

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from knowledge import index_store
from knowledge.indexing.leases import Heartbeat
from knowledge.indexing.rows import Chosen, index_rows
from knowledge.models import IndexBuild
from knowledge.retrieval.backends import files
from knowledge.retrieval.types import Manifest

TEMPORARY = ".tmp-"
PUBLISHED = "build-"


@dataclass(frozen=True)
class Written:
    """A complete build on disk that no row points at yet."""

    folder: str  # below INDEX_DIR
    manifest: Manifest


def write(build: IndexBuild, chosen: list[Chosen], heartbeat: Heartbeat) -> Written:
    """Write and verify a build's folder.

    Raises:
        BuildFailed: it could not be written, or did not read back as written.
    """
    root = Path(settings.INDEX_DIR)
    temporary = root / f"{TEMPORARY}{uuid.uuid4().hex}"
    temporary.mkdir(mode=0o700, parents=True)
    name = f"{PUBLISHED}{build.pk}"
    try:
        manifest = files.build(
            temporary,
            index_rows(chosen, build.model, heartbeat),
            build.dimension,
            {"build": build.pk, "model": build.model, "revision": build.revision},
        )
        index_store.remove_folder(name)  # of a database that was restored since
        temporary.rename(root / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _sync(root)
    index_store.mark_verified(root / name)
    return Written(name, manifest)


def _sync(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
