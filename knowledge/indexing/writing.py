"""A build into its engine: all of it, or what is new beside a full one."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import partial

from django.conf import settings
from django.utils import timezone

from knowledge import engines, storage
from knowledge.indexing import preparing, rows
from knowledge.indexing.configurations import Tools
from knowledge.indexing.rows import Chosen
from knowledge.indexing.runs import WRITING, Run
from knowledge.models import IndexBuild
from knowledge.retrieval.backends.files import TEMPORARY
from knowledge.retrieval.types import BuildFailed, IndexRow, Manifest

__all__ = ["TEMPORARY", "new_build", "require_space", "write_extension", "write_full"]


def require_space() -> None:
    """Raises BuildFailed on a disk that is nearly full."""
    if storage.lacks_space():
        raise BuildFailed(storage.NO_SPACE)


def new_build(tools: Tools, revision: int, base: IndexBuild | None = None) -> IndexBuild:
    """The row of a build that begins now."""
    return IndexBuild.objects.create(
        engine=base.engine if base else settings.VECTOR_INDEX,
        configuration=tools.configuration,
        base=base,
        model=tools.embedder.fingerprint,
        dimension=tools.embedder.dimension,
        revision=revision,
    )


def write_full(run: Run, tools: Tools, chosen: Sequence[Chosen]) -> None:
    """Write a full build and note on its row what it is.

    Raises:
        BuildFailed: it could not be written, or did not read back as written.
    """
    began = timezone.now()
    run.begin(WRITING, 0, rows.size_of(chosen))
    found = _counted(run, tools, chosen)
    build = run.build
    manifest = engines.engine_of(build).build(
        engines.name_of(build), found, build.dimension, _extra(build, tools, began)
    )
    _note(build, manifest, began, manifest.rows)


def write_extension(
    run: Run, tools: Tools, base: IndexBuild, chosen: Sequence[Chosen], replaced: Collection[int]
) -> None:
    """Write what is new beside a full build, and note on its row what it is.

    Raises:
        BuildFailed: it could not be written, or did not read back as written.
        IndexUnusable: the full build cannot be used any more.
    """
    began = timezone.now()
    build = run.build
    added = _Counter()
    manifest = engines.engine_of(build).extend(
        engines.name_of(build),
        base.folder,
        added.count(_counted(run, tools, chosen)),
        replaced,
        _extra(build, tools, began),
    )
    _note(build, manifest, began, added.number)


class _Counter:
    """Counts what runs through it."""

    def __init__(self) -> None:
        self.number = 0

    def count(self, found: Iterator[IndexRow]) -> Iterator[IndexRow]:
        for row in found:
            self.number += 1
            yield row


def _counted(run: Run, tools: Tools, chosen: Sequence[Chosen]) -> Iterator[IndexRow]:
    """The rows of a build; notes how far it is and ends when the turn is another's."""
    fill = partial(preparing.fill, run, tools)
    found = rows.index_rows(chosen, tools.splitter.identity, tools.embedder.fingerprint, fill)
    for number, row in enumerate(found):
        if number % 1000 == 0:
            run.advance(number)
        yield row


def _extra(build: IndexBuild, tools: Tools, began: datetime) -> dict[str, object]:
    """What the manifest says beside sizes and checksums."""
    embedder = tools.embedder
    return {
        "build": build.pk,
        "base": build.base_id,
        "revision": build.revision,
        "covers_until": began.isoformat(),
        "configuration": tools.configuration.name,
        "model": build.model,
        "metric": embedder.metric,
        "normalised": embedder.metric == "cosine",
        "query_prefix": embedder.query_prefix,
        "passage_prefix": embedder.passage_prefix,
        "splitter": tools.splitter.identity,
        "top_k": tools.configuration.top_k,
    }


def _note(build: IndexBuild, manifest: Manifest, began: datetime, recent: int) -> None:
    """What lies there now; the build is complete, and does not answer yet."""
    build.folder = engines.name_of(build)
    build.vectors = manifest.rows
    build.documents = manifest.documents
    build.bytes = manifest.bytes
    build.manifest_sha256 = manifest.sha256
    build.recent = recent if build.base_id else 0
    build.covers_until = began
    build.built_at = timezone.now()
    build.save(
        update_fields=[
            "folder",
            "vectors",
            "documents",
            "bytes",
            "manifest_sha256",
            "recent",
            "covers_until",
            "built_at",
            "updated_at",
        ]
    )
    engines.mark_verified(build)
