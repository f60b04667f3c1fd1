"""Orders about the index: build it again, go back to a kept build."""

from django.db import transaction
from django.utils import timezone

from core.errors import Conflict
from knowledge import conf, index_store
from knowledge.indexing import restore
from knowledge.models import IndexBuild, IndexState
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.retrieval.types import IndexUnusable

_NOT_KEPT = "Only a kept build can be made active."
_UNUSABLE = "This build cannot be loaded any more. Build the index again."
_OTHER_MODEL = "This build was made with another embedding model than the one that is set."


def request_rebuild() -> IndexState:
    """Ask for a new build out of what is known; nothing is embedded again."""
    with transaction.atomic():
        index_store.want_build()
        IndexState.objects.filter(pk=1).update(due_at=timezone.now(), attempts=0)
    return IndexState.objects.get(pk=1)


def activate_build(build: IndexBuild) -> IndexBuild:
    """Answer from a kept build again, as after a bad upload.

    Documents that were deleted, switched off or restricted since stay hidden: rows decide.

    Raises:
        Conflict: it is not kept, does not load, or belongs to another embedding model.
    """
    build.refresh_from_db()
    if build.state == IndexBuild.State.ACTIVE:
        return build
    if build.state != IndexBuild.State.KEPT:
        raise Conflict(_NOT_KEPT)
    _require_model(build)
    try:
        index = index_store.open_build(build)
    except (IndexUnusable, OSError) as error:
        raise Conflict(_UNUSABLE) from error
    if not restore(build, index):
        raise Conflict(_NOT_KEPT)
    build.refresh_from_db()
    return build


def _require_model(build: IndexBuild) -> None:
    try:
        fits = conf.fingerprint() == build.model
    except EmbedderUnavailable:
        fits = True  # words alone answer, from any build
    if not fits:
        raise Conflict(_OTHER_MODEL)
