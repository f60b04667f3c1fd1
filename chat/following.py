"""The answers that one socket reads at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from chat import frames
from chat.streaming import events
from core.errors import Throttled

logger = logging.getLogger(__name__)

STREAMS_AT_ONCE = 8

Tell = Callable[[dict[str, Any]], Awaitable[bool]]


class Streams:
    """Sends answers as frames, each in a task of its own, by ``tell``, which may be slow.

    Nothing is queued: a stream's place in the answer's log waits, and what has gathered there goes
    out as one frame.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    def __contains__(self, message_id: UUID) -> bool:
        return message_id in self._tasks

    def read(self, message_id: UUID, user_id: int, after: int) -> None:
        """Send an answer from an offset on; one that is read already is read from there instead.

        Raises:
            Throttled: too many are being read.
        """
        earlier = self._tasks.pop(message_id, None)
        if earlier is not None:
            earlier.cancel()
        if len(self._tasks) >= STREAMS_AT_ONCE:
            raise Throttled(1, f"{STREAMS_AT_ONCE} answers are being read over this socket.")
        work = self._send(message_id, user_id, after, earlier)
        self._tasks[message_id] = asyncio.create_task(work)

    def cancel(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _send(
        self, message_id: UUID, user_id: int, after: int, earlier: asyncio.Task[None] | None
    ) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        try:
            async with aclosing(events(message_id, user_id, after)) as stream:
                async for event in stream:
                    if not await self._tell(frames.of_event(event, message_id)):
                        return
        except Exception:  # edge: a stream
            logger.exception("message %s could not be read", message_id)
            await self._tell({**frames.unexpected(), "message_id": str(message_id)})
        finally:
            if self._tasks.get(message_id) is asyncio.current_task():
                del self._tasks[message_id]
