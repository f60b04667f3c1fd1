"""What is to be built: an extension of what answers, a full build, or nothing.

An extension adds what is new to the newest full build and takes seconds at any size. A full build
follows for what an extension cannot bring: words that are to leave the disk, another configuration
or engine, and a recent part that has grown large.
"""

from dataclasses import dataclass

from knowledge.indexing import configurations, rows
from knowledge.indexing.leases import Version
from knowledge.models import DocumentVersion, IndexBuild, IndexConfiguration, IndexState

Build = IndexBuild.State

# The recent part is searched exactly and row by row: up to this many chunks, or this share of the
# full build, that costs less than a full build every few minutes.
LARGE_CHUNKS = 2000
LARGE_SHARE = 0.05
# While more uploads wait, five times as much: else a folder of many files is written again and
# again in full while it arrives.
_PATIENCE = 5
# What has this many chunks in all is written in full as quickly as an extension is.
SMALL_CHUNKS = 2000
_ON_THE_WAY = (Version.QUEUED, Version.PROCESSING)


@dataclass(frozen=True)
class Order:
    """What is known of the order of builds at one moment."""

    state: IndexState
    active: IndexBuild | None
    wanted: IndexConfiguration | None  # of the settings; None where the model is not there


def order() -> Order:
    """What is ordered now."""
    state = IndexState.objects.filter(pk=1).first() or IndexState()
    active = (
        IndexBuild.objects.filter(state=Build.ACTIVE)
        .select_related("configuration", "base__configuration")
        .first()
    )
    return Order(state, active, configurations.wanted_if_known())


def is_build_due() -> bool:
    """Whether the rows or the settings know more than the active build."""
    now = order()
    return is_extension_due(now) or is_full_due(now)


def is_extension_due(now: Order) -> bool:
    """Whether what answers can be extended, and there may be something to extend it with."""
    if now.active is None or not configurations.is_usable(now.active.configuration):
        return False
    if _is_better_in_full(now):
        return False
    return now.state.wanted > now.state.built or is_renamed(now)


def _is_better_in_full(now: Order) -> bool:
    """Whether a full build is to be made anyway, and is there as soon as an extension."""
    return (
        now.active is not None
        and now.active.vectors < SMALL_CHUNKS
        and now.state.full_wanted > now.state.full_built
        and now.state.full_attempts == 0
        and not is_configuration_due(now)
    )


def is_renamed(now: Order) -> bool:
    """Whether the settings ask for the same content under another configuration."""
    return (
        now.active is not None
        and is_configuration_due(now)
        and now.wanted is not None
        and configurations.is_same_content(now.active, now.wanted)
    )


def is_configuration_due(now: Order) -> bool:
    """Whether the settings ask for a configuration that does not answer and was not refused."""
    return (
        now.active is not None
        and now.wanted is not None
        and now.wanted.pk not in (now.active.configuration_id, now.state.refused_id)
    )


def is_full_due(now: Order) -> bool:
    """Whether a full build is to be made."""
    if now.active is None:
        return now.state.wanted > now.state.built or rows.answering_versions().exists()
    if is_configuration_due(now) and not is_renamed(now):
        return True
    return now.state.full_wanted > now.state.full_built


def target(now: Order) -> IndexConfiguration | None:
    """The configuration that a full build made now is to have; None where it cannot be known."""
    if now.active is None or now.wanted is None or now.active.configuration is None:
        return now.wanted
    return now.wanted if is_configuration_due(now) else now.active.configuration


def is_recent_part_large(build: IndexBuild) -> bool:
    """Whether an extension has grown so large that a full build should take its place."""
    if build.base is None:
        return False
    limit = max(LARGE_CHUNKS, int(LARGE_SHARE * build.base.vectors))
    if DocumentVersion.objects.filter(state__in=_ON_THE_WAY).exists():
        limit *= _PATIENCE
    return build.recent > limit and not _was_refused_since(build)


def _was_refused_since(build: IndexBuild) -> bool:
    """Whether the gate has refused such a full build already: it is not tried at each upload."""
    return IndexBuild.objects.filter(
        state=Build.REFUSED, configuration=build.configuration, base=None, pk__gt=build.base_id
    ).exists()
