"""Which models rest, for all processes to see: a breaker lives in one, its pause in a row."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from time import monotonic
from uuid import uuid4

from django.db import Error as DatabaseError
from django.utils import timezone

from chat.calldesk import CallDesk
from chat.generation.breaker import LONGEST_PAUSE, Breaker
from chat.models import RestingModel

logger = logging.getLogger(__name__)

PROCESS = uuid4().hex  # of this process; another one after each start
# A process that died takes nothing back: what it said is believed as long as a model rests at most.
BELIEVED = timedelta(seconds=LONGEST_PAUSE)
_SAME_SECONDS = 1.0
_told: dict[str, float] = {}  # by model that rests: until when (monotonic), as it was told


async def tell(desk: CallDesk, model: str, breaker: Breaker) -> None:
    """Write down that a model began to rest, or works again; nothing where that is known."""
    if breaker.state == "closed":
        if _told.pop(model, None) is None:
            return
        work = partial(works, model)
    else:
        until = monotonic() + breaker.seconds_left
        if abs(until - _told.get(model, 0.0)) < _SAME_SECONDS:
            return
        _told[model] = until
        work = partial(rests, model, breaker.seconds_left)
    try:
        await desk.rows(work)
    except DatabaseError:
        logger.exception("that %s rests, or no longer does, could not be written", model)


def rests(model: str, seconds: float) -> None:
    """This process leaves a model alone for so long."""
    until = timezone.now() + timedelta(seconds=seconds)
    RestingModel.objects.filter(until__lt=timezone.now() - BELIEVED).delete()
    RestingModel.objects.update_or_create(
        process=PROCESS, model=model[:100], defaults={"until": until}
    )


def works(model: str) -> None:
    """This process asks it again."""
    RestingModel.objects.filter(process=PROCESS, model=model[:100]).delete()


def resting() -> Mapping[tuple[str, str], int]:
    """How many processes have a breaker of a model ``open`` or ``half_open``, by both."""
    now = timezone.now()
    counts: dict[tuple[str, str], int] = {}
    rows = RestingModel.objects.filter(until__gt=now - BELIEVED)
    for model, until in rows.values_list("model", "until"):
        key = (model, "open" if until > now else "half_open")
        counts[key] = counts.get(key, 0) + 1
    return counts
