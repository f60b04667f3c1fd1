"""The two kinds of builds in turn: an extension in seconds, and a full one beside what answers.

What is written is written aside and read back; only then the rows change, in one transaction and
fenced by the lease's token. Killed at any moment, either the old build or the new one is active,
and the next build clears what was left.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db import transaction

from knowledge.indexing import due
from knowledge.indexing.extending import extend_in_turn
from knowledge.indexing.full_builds import build_in_turn
from knowledge.indexing.leases import (
    BuildLease,
    Heartbeat,
    LeaseLost,
    claim_build,
    database_now,
)
from knowledge.models import IndexBuild, IndexState
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.retrieval.types import BuildFailed, IndexUnusable

logger = logging.getLogger(__name__)

Build = IndexBuild.State
Work = Callable[[BuildLease, Heartbeat], bool]  # returns whether something was published

_MOST_IN_A_ROW = 20  # builds by one task; the sweep goes on
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=15)
_NO_EMBEDDER = "The embedding model cannot be loaded."
_BROKE_OFF = "Building the index broke off. The log says why."


def build_index(seconds: float | None = None) -> bool:
    """Build and publish until nothing is left to do; returns whether anything was published.

    First what is new is made searchable by an extension; then, if one is due, a full build is
    made. Changes that arrive while a build runs share the next one. Safe to call twice and at the
    same time: a second caller makes extensions while the first is at a full build.

    Args:
        seconds: how long a full build may split and embed before others in the queue have a turn;
            it goes on where it was.
    """
    published = False
    for _ in range(_MOST_IN_A_ROW):
        if not (_extend() or _build_full(seconds)):
            break
        published = True
    return published


def _extend() -> bool:
    if not due.is_extension_due(due.order()):
        return False
    lease = claim_build()
    return lease is not None and _guarded(lease, extend_in_turn)


def _build_full(seconds: float | None) -> bool:
    is_left = IndexBuild.objects.filter(state=Build.BUILDING, base=None).exists()
    if not is_left and not due.is_full_due(due.order()):
        return False
    lease = claim_build(full=True)
    return lease is not None and _guarded(lease, partial(build_in_turn, seconds))


def _guarded(lease: BuildLease, work: Work) -> bool:
    """Do a turn's work; whatever goes wrong is noted, and tried again later."""
    try:
        with Heartbeat(lease.renew) as heartbeat:
            return work(lease, heartbeat)
    except LeaseLost:
        logger.info("this build was taken over by another worker")
    except EmbedderUnavailable:
        logger.exception("the index waits for the embedding model")
        _give_up(lease, _NO_EMBEDDER)
    except (BuildFailed, IndexUnusable) as error:
        logger.exception("the index could not be built")
        _give_up(lease, str(error))
    except Exception:  # the task's edge: the row says what happened
        logger.exception("building the index broke off")
        _give_up(lease, _BROKE_OFF)
    return False


def _give_up(lease: BuildLease, sentence: str) -> None:
    """Note why a build failed and try again later; the old build goes on serving."""
    name = "full_attempts" if lease.is_full else "attempts"
    attempts = IndexState.objects.values_list(name, flat=True).get(pk=1)
    pause = min(_FIRST_PAUSE * 2 ** min(attempts, 10), _LONGEST_PAUSE)
    try:
        with transaction.atomic():
            lease.close(due_at=database_now(pause))
            _note_failure(lease, sentence[:500])
    except LeaseLost:
        logger.info("this build was taken over by another worker")


def _note_failure(lease: BuildLease, sentence: str) -> None:
    """The build in progress fails; without one a row says so, once for the same reason."""
    newest = IndexBuild.objects.first()
    in_work = IndexBuild.objects.filter(state=Build.BUILDING, base__isnull=lease.is_full)
    if in_work.update(state=Build.FAILED, error=sentence, progress={}):
        return
    if newest is None or (newest.state, newest.error) != (Build.FAILED, sentence):
        IndexBuild.objects.create(state=Build.FAILED, error=sentence, model="")
