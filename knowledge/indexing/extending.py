"""What is new beside the newest full build: a release in seconds, at any size."""

import logging
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from knowledge import engines
from knowledge.indexing import configurations, due, preparing, retention, rows
from knowledge.indexing.leases import BuildLease, Heartbeat
from knowledge.indexing.publishing import Release, Rights, publish
from knowledge.indexing.rows import Chosen
from knowledge.indexing.runs import Run
from knowledge.indexing.writing import new_build, require_space, write_extension
from knowledge.models import IndexBuild, IndexState
from knowledge.retrieval.types import IndexUnusable

logger = logging.getLogger(__name__)

# An extension of more chunks than this, or than this share of the full build, would take as long
# as a full build.
_MOST_CHUNKS = 20_000
_MOST_SHARE = 0.1
_NOT_EXTENDED = "The build that it extends cannot be used any more."


def extend_in_turn(lease: BuildLease, heartbeat: Heartbeat) -> bool:
    """Publish an extension, or order a full build where none is possible; ends the turn.

    Returns:
        Whether an extension was published.

    Raises:
        BuildFailed, EmbedderUnavailable, LeaseLost: nothing was changed.
    """
    retention.clear_interrupted_builds(full=False)
    now = due.order()
    if now.active is None or not due.is_extension_due(now):
        lease.close(attempts=0)
        return False
    require_space()
    base = now.active.base or now.active
    configuration = now.wanted if due.is_renamed(now) else now.active.configuration
    documents = rows.changed_since(base.revision)
    chosen = rows.choose_of(documents)
    is_new = due.is_renamed(now) or bool(rows.changed_since(now.active.revision))
    if not is_new or configuration is None or not _can_extend(base, chosen):
        leave_to_full_build(lease, if_nothing_is_new=not is_new)
        return False
    tools = configurations.tools_of(configuration)
    run = Run(new_build(tools, now.state.wanted, base), lease, heartbeat)
    is_published = _published(run, tools, base, documents)
    retention.drop_old_builds()
    return is_published


def _can_extend(base: IndexBuild, chosen: Sequence[Chosen]) -> bool:
    """Whether the full build is there, and what is new is small beside it."""
    if base.state == IndexBuild.State.REMOVED or base.recent:
        return False
    if not hasattr(engines.engine_of(base), "extend"):
        return False
    return rows.size_of(chosen) <= max(_MOST_CHUNKS, int(_MOST_SHARE * base.vectors))


def _published(
    run: Run, tools: configurations.Tools, base: IndexBuild, documents: Sequence[int]
) -> bool:
    chosen = rows.choose_of(documents)
    with retention.discarded_unless_published(run.build):
        preparing.prepare(run, tools, chosen)
        try:
            write_extension(run, tools, base, chosen, documents)
        except IndexUnusable:
            logger.exception("build %s cannot be extended", base.pk)
            retention.discard(run.build, _NOT_EXTENDED)
            leave_to_full_build(run.lease)
            return False
        publish(Rights(run.lease), Release(run.build, rows.changed(chosen)))
    return True


def leave_to_full_build(lease: BuildLease, *, if_nothing_is_new: bool = False) -> None:
    """An extension cannot bring what is wanted: order a full build, and end the turn.

    Args:
        lease: the claim.
        if_nothing_is_new: nothing that an extension could bring has changed. Then a full build is
            what was wanted, unless one is on its way.
    """
    with transaction.atomic():
        lease.close(attempts=0)
        state = IndexState.objects.filter(pk=1)
        if if_nothing_is_new:
            state = state.filter(full_wanted__lte=F("full_built"))
        state.update(full_wanted=F("wanted"))
