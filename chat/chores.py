"""What follows an answer once it is out: nobody waits for it, and nothing is lost without it."""

import asyncio
import logging
from functools import partial
from typing import Any

from django.db import Error

from chat import traces
from chat.runs import Run

logger = logging.getLogger(__name__)

CHORE_SECONDS = 15.0


async def do_chores(run: Run, desk: Any) -> None:
    """One after the other. Its edge: a chore that breaks is done after the next answer.

    What they asked of models is added to the trace, which was closed with the answer.
    """
    closed = run.trace.noted()
    for chore in run.chores:
        try:
            async with asyncio.timeout(CHORE_SECONDS):
                await chore(desk)
        except Exception:
            logger.exception("a chore after message %s was not done", run.message_id)
    noted = run.trace.noted()
    if noted.changes != closed.changes:
        try:
            await desk.rows(partial(traces.amend, run.message_id, closed, noted))
        except Error:
            logger.exception("the trace of message %s lacks what followed it", run.message_id)
