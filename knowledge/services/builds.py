"""Orders about the index: build it again, go back to a build, let a refused one in."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone

from core.errors import Conflict, Invalid
from knowledge import conf, index_store
from knowledge.indexing import restore
from knowledge.models import IndexBuild, IndexState
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.retrieval.types import IndexUnusable
from knowledge.services.fields import clean_line
from users.models import User

_NOT_KEPT = "Only a kept build can be made active."
_NOT_REFUSED = "Only a build that the quality gate refused can be let in."
_REFUSED = "The quality gate refused this build. Let it in with a reason, if it should answer."
_UNUSABLE = "This build cannot be loaded any more. Build the index again."
_OTHER_MODEL = (
    "This build was made with another embedding model, which is not there any more. Set "
    "EMBEDDING_MODEL to it first."
)
_NO_REASON = "Say why it should answer all the same."
_LONGEST_REASON = 500


def request_rebuild() -> IndexState:
    """Ask for a new full build out of what is known; what is embedded is not embedded again.

    A configuration that was refused gets another chance.
    """
    with transaction.atomic():
        index_store.want_build(full=True)
        now = timezone.now()
        IndexState.objects.filter(pk=1).update(
            due_at=now, attempts=0, full_due_at=now, full_attempts=0, refused=None
        )
    return IndexState.objects.get(pk=1)


def activate_build(build: IndexBuild) -> IndexBuild:
    """Answer from a kept build again, as after a bad upload.

    Documents that were deleted, switched off or restricted since stay hidden: rows decide. It
    answers until something new is to be searchable.

    Raises:
        Conflict: it is not kept, does not load, or belongs to another embedding model.
    """
    build.refresh_from_db()
    if build.state == IndexBuild.State.ACTIVE:
        return build
    if build.state == IndexBuild.State.REFUSED:
        raise Conflict(_REFUSED)
    if build.state != IndexBuild.State.KEPT:
        raise Conflict(_NOT_KEPT)
    _restore(build)
    return build


def override_gate(build: IndexBuild, by: User, reason: str) -> IndexBuild:
    """Let a refused build answer all the same; who did so, and why, is kept.

    What was uploaded since it was made is searchable again within seconds.

    Raises:
        Invalid: there is no reason, or it is too long.
        Conflict: the build was not refused, does not load, or belongs to another model.
    """
    reason = clean_line(reason)
    if not reason:
        raise Invalid(fields={"reason": [_NO_REASON]})
    if len(reason) > _LONGEST_REASON:
        raise Invalid(fields={"reason": [f"At most {_LONGEST_REASON} characters."]})
    build.refresh_from_db()
    if build.state != IndexBuild.State.REFUSED:
        raise Conflict(_NOT_REFUSED)
    with transaction.atomic():
        index_store.want_build()
        _restore(build, overridden_by=by, override_reason=reason)
        LogEntry.objects.log_actions(
            user_id=by.pk,
            queryset=[build],
            action_flag=CHANGE,
            change_message=f"Activated in spite of the quality gate: {reason}",
            single_object=True,
        )
    return build


def _restore(build: IndexBuild, **fields: Any) -> None:
    _require_model(build)
    try:
        index = index_store.open_build(build)
    except (IndexUnusable, OSError) as error:
        raise Conflict(_UNUSABLE) from error
    if not restore(build, index, **fields):
        raise Conflict(_NOT_KEPT)
    build.refresh_from_db()


def _require_model(build: IndexBuild) -> None:
    try:
        fits = conf.embedder_for(build.model) is not None
    except EmbedderUnavailable:
        fits = True  # words alone answer, from any build
    if not fits:
        raise Conflict(_OTHER_MODEL)
