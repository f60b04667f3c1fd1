"""The search engines by their names, and how a build is opened, proved and removed in its own.

A build is opened by the engine that wrote it, so that another ``VECTOR_INDEX`` builds beside the
running one as another model does.
"""

import hashlib
import json
import platform
import shutil
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from knowledge.models import IndexBuild
from knowledge.retrieval.backends import SearchBackend, SearchEngine
from knowledge.retrieval.backends.files import FilesEngine
from knowledge.retrieval.backends.manifest import read_manifest
from knowledge.retrieval.types import IndexUnusable

__all__ = [
    "engine",
    "engine_of",
    "folder_of",
    "is_intact",
    "mark_verified",
    "open_build",
    "quarantine",
    "remove_build",
]

QUARANTINE = "quarantine-"
PUBLISHED = "build-"
# Imported when they are used, as each needs a client library of its own.
_PGVECTOR = "knowledge.retrieval.backends.pgvector.PgvectorEngine"
_MILVUS = "knowledge.retrieval.backends.milvus.MilvusEngine"


def engine(name: str = "") -> SearchEngine:
    """The engine of a name; without one, that of ``VECTOR_INDEX``."""
    name = name or settings.VECTOR_INDEX
    if name == "pgvector":
        return _made(_PGVECTOR, settings.VECTOR_DATABASE_URL)
    if name == "milvus":
        return _made(_MILVUS, settings.MILVUS_URI, settings.MILVUS_TOKEN)
    return FilesEngine(Path(settings.INDEX_DIR))


@lru_cache(maxsize=4)
def _made(path: str, *arguments: str) -> SearchEngine:
    """One engine a process, as it may hold connections."""
    made: SearchEngine = import_string(path)(*arguments)
    return made


def engine_of(build: IndexBuild) -> SearchEngine:
    """The engine that wrote a build."""
    return engine(build.engine)


def name_of(build: IndexBuild) -> str:
    """The name that a build has in its engine."""
    return build.folder or f"{PUBLISHED}{build.pk}"


def folder_of(build: IndexBuild) -> Path:
    """Where a build of the files engine lies."""
    return Path(settings.INDEX_DIR) / build.folder


def open_build(build: IndexBuild) -> SearchBackend[Any]:
    """Open a build; its checksums are compared once per machine, and again after any change.

    Raises:
        IndexUnusable: it is missing or damaged.
    """
    if not build.folder:
        raise IndexUnusable("it has no name")
    if build.engine != FilesEngine.name:
        return _require_published(build, engine_of(build).open(build.folder))
    folder = folder_of(build)
    if not folder.is_dir():
        raise IndexUnusable("its folder is missing")
    is_known = _is_verified(folder)
    index = _require_published(build, engine_of(build).open(build.folder, verify=not is_known))
    if not is_known:
        mark_verified(build)
    return index


def _require_published(build: IndexBuild, index: SearchBackend[Any]) -> SearchBackend[Any]:
    if build.manifest_sha256 and index.manifest.sha256 != build.manifest_sha256:
        raise IndexUnusable("its manifest is not the one that was published")
    return index


def is_intact(build: IndexBuild) -> bool:
    """Whether everything of a build is as it was published, by its checksums.

    Such a build may still not load, in a process without memory for it; that is no reason to take
    it away from the others.
    """
    try:
        if build.engine == FilesEngine.name:
            manifest = read_manifest(folder_of(build), verify=True)
        else:
            manifest = engine_of(build).open(build.folder, verify=True).manifest
    except IndexUnusable:
        return False
    return bool(build.folder) and manifest.sha256 == build.manifest_sha256


def mark_verified(build: IndexBuild) -> None:
    """Note that a build's files were compared with their checksums on this machine."""
    if build.engine != FilesEngine.name:
        return
    folder = folder_of(build)
    temporary = folder.parent / f".marker-{uuid.uuid4().hex}"
    temporary.write_text(_seal(folder), encoding="ascii")
    temporary.replace(_marker(folder))


def _is_verified(folder: Path) -> bool:
    marker = _marker(folder)
    return marker.is_file() and marker.read_text(encoding="ascii") == _seal(folder)


def _marker(folder: Path) -> Path:
    machine = hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()
    return folder.parent / f".verified-{folder.name}-{machine}"


def _seal(folder: Path) -> str:
    """Names, sizes and times of change of all files of a build, as one hash."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    facts = [
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in files
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def remove_build(build: IndexBuild) -> None:
    """Delete what lies of a build; processes that have it open keep it until they swap."""
    name = name_of(build)
    engine_of(build).remove(name)
    if build.engine == FilesEngine.name:
        _marker(Path(settings.INDEX_DIR) / name).unlink(missing_ok=True)


def quarantine(build: IndexBuild) -> None:
    """Move a damaged build's files out of use, for a look at what happened to them."""
    folder = folder_of(build)
    if build.engine == FilesEngine.name and build.folder and folder.is_dir():
        folder.rename(folder.with_name(f"{QUARANTINE}{folder.name}-{uuid.uuid4().hex[:8]}"))


def quarantined() -> list[int]:
    """The builds whose files were moved out of use and still lie there."""
    found = []
    for path in Path(settings.INDEX_DIR).glob(f"{QUARANTINE}{PUBLISHED}*"):
        number = path.name.removeprefix(f"{QUARANTINE}{PUBLISHED}").split("-")[0]
        if number.isdigit():
            found.append(int(number))
    return found


def remove_quarantined(build_id: int) -> None:
    """Delete what was moved out of use of a build."""
    for path in Path(settings.INDEX_DIR).glob(f"{QUARANTINE}{PUBLISHED}{build_id}-*"):
        shutil.rmtree(path, ignore_errors=True)
