"""What follows an answer once it is out: nobody waits for it, and nothing is lost without it."""

import asyncio
import logging
from typing import Any

from chat.runs import Run

logger = logging.getLogger(__name__)

CHORE_SECONDS = 15.0


async def do_chores(run: Run, desk: Any) -> None:
    """One after the other. Its edge: a chore that breaks is done after the next answer."""
    for chore in run.chores:
        try:
            async with asyncio.timeout(CHORE_SECONDS):
                await chore(desk)
        except Exception:
            logger.exception("a chore after message %s was not done", run.message_id)
