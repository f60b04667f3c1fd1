"""Processing in the foreground, for commands that are told to wait.

The command does what a worker would do, and waits for what a worker does meanwhile: the row is the
queue for both. A worker that dies while it is waited for is replaced when its lease has run out.
"""

import time
from collections.abc import Sequence

from django.core.management.base import CommandError

from knowledge import indexing, storage
from knowledge.catalogue import PENDING
from knowledge.indexing.vectors import ROWS, batched
from knowledge.management.typed import Out
from knowledge.models import DocumentVersion, Embedding, IndexBuild, VersionState

_LOOK_SECONDS = 1.0
# Reading one file may take EXTRACTION_SECONDS, five minutes by default, without a word; and the
# lease of a worker that died takes two minutes to run out.
_PATIENCE_SECONDS = 900.0
_STUCK = "{count:,} of the files did not go on for {minutes:.0f} minutes. Is the worker well?"


def process(version_ids: Sequence[int], out: Out, errors: Out) -> None:
    """Come back when these versions are searchable, or cannot be; say how far it is.

    Raises CommandError where one of them failed, or where nothing goes on.
    """
    versions = DocumentVersion.objects.filter(pk__in=version_ids).select_related("document")
    titles = {version.pk: version.document.title for version in versions.defer("text")}
    for number, version_id in enumerate(version_ids, 1):
        out.write(f"[{number}/{len(version_ids)}] {titles.get(version_id, '')}")
        indexing.process_version(version_id)
    indexing.build_index()
    _await(list(version_ids), out)
    ready = versions.filter(state=VersionState.READY).count()
    out.write(f"{ready} of {len(version_ids)} are searchable.")
    failed = list(versions.filter(state=VersionState.FAILED).defer("text"))
    for version in failed:
        errors.write(f"{version.document.title}: {version.error}")
    if failed:
        raise CommandError(f"{len(failed):,} of {len(version_ids):,} files could not be read.")


def _await(version_ids: list[int], out: Out) -> None:
    """Until none of them is on its way any more, whoever has it."""
    pending, seen = _pending(version_ids), None
    told, went_on_at = len(version_ids) + 1, time.monotonic()
    while pending:
        if storage.lacks_space():
            raise CommandError(storage.NO_SPACE)
        if len(pending) < told:
            told = len(pending)
            out.write(f"Waiting for {told:,} that another process has, or that are to be indexed.")
        now = _signs_of_life(pending)
        if now != seen:
            seen, went_on_at = now, time.monotonic()
        elif time.monotonic() - went_on_at > _PATIENCE_SECONDS:
            minutes = _PATIENCE_SECONDS / 60
            raise CommandError(_STUCK.format(count=len(pending), minutes=minutes))
        time.sleep(_LOOK_SECONDS)
        for version_id in pending:
            indexing.process_version(version_id)
        indexing.build_index()
        pending = _pending(pending)


def _pending(version_ids: Sequence[int]) -> list[int]:
    found: list[int] = []
    for part in batched(version_ids, ROWS):
        waiting = DocumentVersion.objects.filter(pk__in=part, state__in=PENDING)
        found.extend(waiting.order_by("pk").values_list("pk", flat=True))
    return found


def _signs_of_life(pending: Sequence[int]) -> tuple[object, ...]:
    """What changes while anybody gets on with them."""
    steps: list[object] = []
    for part in batched(pending, ROWS):
        rows = DocumentVersion.objects.filter(pk__in=part).order_by("pk")
        steps.extend(rows.values_list("pk", "percent", "pages_done"))
    build = IndexBuild.objects.order_by("-pk").values_list("pk", "state", "progress").first()
    newest = Embedding.objects.order_by("-pk").values_list("pk", flat=True).first()
    return (steps, build, newest)
