"""A full build beside what answers: prepared, written, judged, published with what came since."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from core.hints import send_hint
from knowledge.indexing import configurations, due, gate, preparing, retention, rows
from knowledge.indexing.configurations import Tools
from knowledge.indexing.leases import LEASE, BuildLease, Heartbeat, claim_build
from knowledge.indexing.publishing import Release, Rights, publish, publish_nothing, refuse
from knowledge.indexing.rows import Chosen
from knowledge.indexing.runs import Run
from knowledge.indexing.writing import new_build, require_space, write_extension, write_full
from knowledge.models import IndexBuild, IndexState
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.retrieval.types import BuildFailed

Build = IndexBuild.State

_LOOK_EVERY = 0.2  # seconds between two attempts to get the right to publish
# Preparing that took longer is looked over again: documents came and went meanwhile.
_LONG_SECONDS = 10.0
_NO_EMBEDDER = "The embedding model cannot be loaded."
_BUSY = "Another build could not be waited for."


def build_in_turn(seconds: float | None, lease: BuildLease, heartbeat: Heartbeat) -> bool:
    """Make a full build, have it judged, and publish it; ends the turn.

    Args:
        seconds: how long it may split and embed; then the rest is left to another turn.
        lease: the right to build in full.
        heartbeat: keeps it.

    Returns:
        Whether it was published.

    Raises:
        BuildFailed, EmbedderUnavailable, LeaseLost: what answers was not changed.
    """
    now = due.order()
    resumed = retention.interrupted_full_build()
    if not due.is_full_due(now):
        retention.clear_interrupted_builds(full=True)
        lease.close(attempts=0)
        return False
    require_space()
    chosen = rows.choose()
    if not chosen:
        return _publish_nothing(lease, heartbeat, now.state.wanted)
    configuration = due.target(now)
    if configuration is None:
        raise EmbedderUnavailable(_NO_EMBEDDER)
    tools = configurations.tools_of(configuration)
    if resumed is not None and resumed.configuration_id != configuration.pk:
        resumed = None
    retention.clear_interrupted_builds(full=True, resumed=resumed)
    build = resumed or new_build(tools, now.state.wanted)
    until = monotonic() + seconds if seconds is not None else None
    with retention.discarded_unless_published(build):
        run = Run(build, lease, heartbeat, until)
        is_new = now.active is None or not configurations.is_same_content(now.active, configuration)
        prepared = _prepared(run, tools, is_new=is_new)
        if prepared is None:
            return _pause(lease)
        write_full(run, tools, prepared)
        if gate.judge(run) == gate.FAILED and _is_obeyed(now, is_new=is_new):
            _refuse(run, now, is_new=is_new)
        else:
            _publish_full(run, tools, prepared)
            if is_new:
                rows.recount(prepared, tools.splitter.identity)
    retention.drop_old_builds()
    return build.state == Build.ACTIVE


def _prepared(run: Run, tools: Tools, *, is_new: bool) -> list[Chosen] | None:
    """What the build is made of, split and embedded; None where the turn is over before.

    What is chosen is what was known at the build's revision: whatever changed since then comes by
    the extension that is made with it.
    """
    while True:
        began = monotonic()
        run.build.revision = IndexState.objects.values_list("wanted", flat=True).get(pk=1)
        IndexBuild.objects.filter(pk=run.build.pk).update(revision=run.build.revision)
        chosen = rows.choose()
        if not preparing.prepare(run, tools, chosen, is_known=not is_new):
            return None
        if monotonic() - began < _LONG_SECONDS or not is_new:
            return chosen


def _pause(lease: BuildLease) -> bool:
    """Let others in the queue have a turn; a hint comes back to this."""
    lease.close(attempts=0)
    send_hint("knowledge.tasks.build_index")
    return False


def _refuse(run: Run, now: due.Order, *, is_new: bool) -> None:
    """Keep a build from answering, and from being made again: its configuration counts as refused,
    or, where that is the one that answers, the wish for a full build as fulfilled.
    """
    if is_new:
        refuse(run.lease, run.build, refused=run.build.configuration)
        return
    told = {"full_built": run.build.revision}
    if now.active is not None and not rows.changed_since(now.active.revision):
        told["built"] = run.build.revision  # an extension would bring nothing
    refuse(run.lease, run.build, **told)


def _is_obeyed(now: due.Order, *, is_new: bool) -> bool:
    """Whether a failed verdict keeps a build from answering.

    Something must answer, and the words of an erased document must leave the disk: a build of the
    same configuration without them goes on, and staff read the verdict on it.
    """
    if now.active is None:
        return False
    return is_new or not retention.holds_erased(now.active)


def _publish_full(run: Run, tools: Tools, chosen: Sequence[Chosen]) -> None:
    """Publish a full build, with an extension for what came while it was made."""
    full = run.build
    with _turn_to_publish(run.heartbeat) as (lease, heartbeat):
        rights = Rights(lease, run.lease)
        held = {item.document_id: item.version_id for item in chosen}
        documents = rows.changed_since(full.revision, held)
        newer = rows.choose_of(documents)
        if not documents:
            publish(rights, Release(full, full=full, settled=rows.changed_of_all(chosen)))
            full.state = Build.ACTIVE
            return
        revision = IndexState.objects.values_list("wanted", flat=True).get(pk=1)
        build = new_build(tools, revision, full)
        with retention.discarded_unless_published(build):
            extension = Run(build, lease, heartbeat)
            preparing.prepare(extension, tools, newer)
            write_extension(extension, tools, full, newer, documents)
            known = {item.document_id for item in newer}
            rest = [item for item in chosen if item.document_id not in known]
            added, settled = rows.changed(newer), rows.changed_of_all(rest)
            publish(rights, Release(build, added, full, settled))
    full.state = Build.ACTIVE


def _publish_nothing(lease: BuildLease, heartbeat: Heartbeat, revision: int) -> bool:
    retention.clear_interrupted_builds(full=True)
    with _turn_to_publish(heartbeat) as (publishing, _):
        publish_nothing(Rights(publishing, lease), revision)
    retention.drop_old_builds()
    return True


@contextmanager
def _turn_to_publish(heartbeat: Heartbeat) -> Iterator[tuple[BuildLease, Heartbeat]]:
    """The right to publish, waited for: an extension under way takes seconds."""
    lease = None
    give_up_at = monotonic() + 1.5 * LEASE.total_seconds()  # one whose worker died is free by then
    while lease is None:
        heartbeat.check()
        if monotonic() > give_up_at:
            raise BuildFailed(_BUSY)
        lease = claim_build(in_pause=True)
        if lease is None:
            time.sleep(_LOOK_EVERY)
    try:
        with Heartbeat(lease.renew) as own:
            retention.clear_interrupted_builds(full=False)
            yield lease, own
    except BaseException:
        release(lease)
        raise


def release(lease: BuildLease) -> None:
    """Give a right back that came to nothing, if it is still ours."""
    if lease.renew():
        lease.close(attempts=0)
