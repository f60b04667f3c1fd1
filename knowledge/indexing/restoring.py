"""A build that lies on disk becomes the active one again."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from knowledge.indexing import configurations, rollbacks
from knowledge.indexing.publishing import point_at, tell_published
from knowledge.indexing.rows import Chosen
from knowledge.indexing.vectors import ROWS, batched
from knowledge.models import DocumentVersion, IndexBuild, IndexConfiguration, IndexState
from knowledge.retrieval.backends import SearchBackend

Build = IndexBuild.State


def restore(build: IndexBuild, index: SearchBackend[Any], **fields: Any) -> bool:
    """Swap a kept or refused build in and let its versions answer; False if it is neither now.

    It answers until something new is wanted: where the settings name another configuration, that
    one counts as refused from now on.

    Args:
        build: what is to answer.
        index: the same, opened.
        fields: what is noted on its row with that.
    """
    chosen = _versions_in(index)
    wanted = configurations.wanted_if_known()
    with transaction.atomic():
        IndexState.objects.select_for_update().filter(pk=1).first()  # the order of locks
        rollbacks.begin(build, chosen)
        IndexBuild.objects.filter(state=Build.ACTIVE).update(state=Build.KEPT)
        waiting = IndexBuild.objects.filter(pk=build.pk, state__in=(Build.KEPT, Build.REFUSED))
        if not waiting.update(state=Build.ACTIVE, activated_at=timezone.now(), **fields):
            transaction.set_rollback(True)
            return False
        point_at(chosen)
        _hold(build, wanted)
        transaction.on_commit(tell_published, robust=True)
    return True


def _hold(build: IndexBuild, wanted: IndexConfiguration | None) -> None:
    """Within a transaction: no other configuration takes the place of this one by itself."""
    if wanted is None:
        return
    refused = None if build.configuration_id == wanted.pk else wanted
    IndexState.objects.filter(pk=1).update(refused=refused)


def _versions_in(index: SearchBackend[Any]) -> list[Chosen]:
    """The version of each document that a build holds."""
    found: list[Chosen] = []
    for part in batched(list(index.versions().values()), ROWS):
        rows = DocumentVersion.objects.filter(pk__in=part).values_list(
            "document_id", "document__title", "pk"
        )
        found += [Chosen(*row) for row in rows]
    return found
