"""A kept build becomes the active one again."""

import numpy as np
from django.db import transaction
from django.utils import timezone

from knowledge.indexing.building import point_at
from knowledge.indexing.rows import Chosen
from knowledge.indexing.vectors import ROWS
from knowledge.models import Chunk, IndexBuild, IndexState
from knowledge.retrieval.backends.files import FileIndex

Build = IndexBuild.State


def restore(build: IndexBuild, index: FileIndex) -> bool:
    """Swap a kept build in and let its versions answer; False if it was not kept any more."""
    chosen = _versions_in(index)
    with transaction.atomic():
        IndexState.objects.select_for_update().filter(pk=1).first()  # the order of locks
        IndexBuild.objects.filter(state=Build.ACTIVE).update(state=Build.KEPT)
        if not IndexBuild.objects.filter(pk=build.pk, state=Build.KEPT).update(
            state=Build.ACTIVE, activated_at=timezone.now()
        ):
            transaction.set_rollback(True)
            return False
        point_at(chosen)
    return True


def _versions_in(index: FileIndex) -> list[Chosen]:
    """The version of each document that a build holds, by the first of its chunks."""
    _, firsts = np.unique(index.document_ids, return_index=True)
    chunk_ids = [index.chunk_id(int(row)) for row in firsts]
    found: list[Chosen] = []
    for start in range(0, len(chunk_ids), ROWS):
        rows = Chunk.objects.filter(pk__in=chunk_ids[start : start + ROWS]).values_list(
            "version__document_id", "version__document__title", "version_id"
        )
        found += [Chosen(*row) for row in rows]
    return found
