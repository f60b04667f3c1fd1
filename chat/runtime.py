"""Where answers are written: one background thread with an event loop of its own, per process.

It works alike under ASGI, WSGI, ``runserver`` and tests, and outlives the request that asked. No
database connection is held while an answer is written: rows are touched by short jobs in threads
that close their connection. One flusher writes what all answers of the process have said.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connections

from chat import answering, journal
from chat.chores import do_chores
from chat.conf import guard_of
from chat.flushing import draft_of, flush_or_look, note_flushed
from chat.generation.llm import ChatModel, ModelConfig
from chat.models import Message
from chat.runs import Run
from chat.watching import Watcher
from core.drain import is_draining

logger = logging.getLogger(__name__)

T = TypeVar("T")
TICK_SECONDS = 0.1
FLUSH_SECONDS = 0.5
FLUSH_CHARS = 2000
RENEW_SECONDS = 10.0  # a third of the lease
DRAIN_SECONDS = 15.0
FINISH_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # between attempts to write an end
CPU_THREADS = 2  # searches and quotes at a time; the others wait in line, first come first served
ROW_THREADS = 2


def closing(work: Callable[[], T]) -> T:
    """Do a job and give its database connection back."""
    try:
        return work()
    finally:
        connections.close_all()


class Runtime:
    """The answers that this process writes or follows."""

    def __init__(self) -> None:
        self._runs: dict[UUID, Run] = {}
        self._kept: set[asyncio.Task[None]] = set()  # the loop itself keeps weak references
        self._work: dict[UUID, asyncio.Task[journal.Ending]] = {}
        self._models: dict[ModelConfig, ChatModel] = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cpu = ThreadPoolExecutor(CPU_THREADS, "chat-cpu")
        self._rows = ThreadPoolExecutor(ROW_THREADS, "chat-rows")
        self._watcher = Watcher(self)
        self._drained_at: float | None = None
        self._flushed = monotonic()

    def start(self, run: Run) -> None:
        """Begin to write an answer whose row is there and whose lease is ours."""
        loop = self._running_loop()
        with self._lock:
            self._runs[run.message_id] = run
        loop.call_soon_threadsafe(self._launch, run)

    def find(self, message_id: UUID) -> Run | None:
        """The answer, if this process is writing it."""
        with self._lock:
            return self._runs.get(message_id)

    def runs(self) -> list[Run]:
        with self._lock:
            return list(self._runs.values())

    def follow(self, run: Run) -> Run:
        """Keep a run up to date whose answer another process writes."""
        loop = self._running_loop()
        followed = self._watcher.add(run)
        loop.call_soon_threadsafe(self._watcher.wake)
        return followed

    def stop(self, message_id: UUID) -> None:
        """Stop an answer at once, if it is written here."""
        run = self.find(message_id)
        if run is not None:
            self._running_loop().call_soon_threadsafe(self._cancel, run, Message.State.STOPPED)

    def submit_rows(self, work: Callable[[], T]) -> "Future[T]":
        """Do a short job with rows in a thread of ours."""
        return self._rows.submit(closing, work)

    def call(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Do something in the loop, where the models live."""
        return asyncio.run_coroutine_threadsafe(work, self._running_loop())

    def wind_down(self, seconds: float = DRAIN_SECONDS) -> int:
        """Wait for the answers of a process that is about to go, then interrupt the others.

        Returns:
            How many were interrupted; their text is kept.
        """
        if self._wait_idle(seconds) or self._loop is None:
            return 0
        left = self.runs()
        for run in left:
            self._loop.call_soon_threadsafe(self._cancel, run, Message.State.INTERRUPTED)
        self._wait_idle(2.0)
        return len(left)

    def _wait_idle(self, seconds: float) -> bool:
        deadline = monotonic() + seconds
        for run in self.runs():
            run.wait(max(0.0, deadline - monotonic()))
        while self.runs() and monotonic() < deadline:
            sleep(0.01)
        return not self.runs()

    def rows(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.wrap_future(self._rows.submit(closing, work))

    def cpu(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.wrap_future(self._cpu.submit(closing, work))

    def model(self, config: ModelConfig) -> ChatModel:
        """The model, guarded as its address asks for, whoever made the configuration."""
        config = replace(config, guard=guard_of(config.base_url))
        if config not in self._models:
            self._models[config] = ChatModel(config)
        return self._models[config]

    def known_models(self) -> list[ChatModel]:
        """The models that were asked so far, for a look at them from any thread."""
        return list(self._models.values())

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=self._live, args=(self._loop,), name="chat", daemon=True
                )
                thread.start()
            return self._loop

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        self._keep(loop.create_task(self._tick()))
        self._keep(loop.create_task(self._watcher.watch()))
        loop.run_forever()

    def _launch(self, run: Run) -> None:
        self._keep(asyncio.get_running_loop().create_task(self._write(run)))

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    def _cancel(self, run: Run, state: str) -> None:
        """Break off an answer; its end is written by ``_write``, which is never cancelled."""
        if run.is_ending:
            return
        run.stop_state = run.stop_state or state
        work = self._work.get(run.message_id)
        if work is not None:
            work.cancel()

    def abandon(self, run: Run) -> None:
        """Give up an answer whose lease is lost: nothing is written any more."""
        self._cancel(run, "abandoned")
        run.is_lost = True

    async def _write(self, run: Run) -> None:
        """One answer from begin to end. The stream's own edge: nothing that breaks goes past it."""
        try:
            ending = await self._worked(run)
            run.is_ending = True
            await self._end(run, ending)
            await do_chores(run, self)
        finally:
            with self._lock:
                self._runs.pop(run.message_id, None)
            self._work.pop(run.message_id, None)

    async def _worked(self, run: Run) -> journal.Ending:
        if run.stop_state:  # before it began
            return answering.unfinished(run, run.stop_state)
        work = asyncio.create_task(answering.write_answer(run, self))
        self._work[run.message_id] = work
        try:
            return await work
        except asyncio.CancelledError:
            return answering.unfinished(run, run.stop_state or Message.State.INTERRUPTED)
        except Exception:
            logger.exception("message %s could not be answered", run.message_id)
            return answering.failed(run)

    async def _end(self, run: Run, ending: journal.Ending) -> None:
        """Write the end to the row, then tell the readers."""
        body = None
        try:
            body = await self._finish(run, ending)
        except Exception:
            logger.exception("the end of message %s could not be written", run.message_id)
        if body is None:
            run.publish("reconnect", {})
        elif ending.state == Message.State.FAILED and ending.notice:
            run.publish("error", dict(ending.notice))
        else:
            run.publish("done", body)

    async def _finish(self, run: Run, ending: journal.Ending) -> dict[str, Any] | None:
        """Write the end, again and again until the lease is lost; None where it is."""
        finish = partial(journal.finish, draft_of(run, full=True), ending, run.milliseconds)
        pause = FINISH_PAUSE
        while not run.is_lost:
            try:
                return await self.rows(finish)
            except DatabaseError:
                logger.exception("the end of message %s could not be written", run.message_id)
            if monotonic() + pause - run.renewed >= journal.LEASE.total_seconds():
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return None

    async def _tick(self) -> None:
        """Flush, for as long as the process lives: whatever breaks, the next round goes on."""
        self._flushed = monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self._round()
            except Exception:
                logger.exception("answers could not be written; the next flush tries again")

    async def _round(self) -> None:
        runs = self.runs()
        if is_draining():
            self._drain(runs)
        # One that is being ended is written by its end; its lease runs out if that fails.
        runs = [run for run in runs if not run.is_ending]
        waiting = sum(len(run.text) - run.flushed_chars for run in runs)
        if runs and (monotonic() - self._flushed >= FLUSH_SECONDS or waiting >= FLUSH_CHARS):
            self._flushed = monotonic()
            await self._flush(runs)

    def _drain(self, runs: list[Run]) -> None:
        if self._drained_at is None:
            self._drained_at = monotonic()
            self._watcher.ring_all()
            for run in runs:
                run.ring()
        if monotonic() - self._drained_at >= DRAIN_SECONDS:
            for run in runs:
                self._cancel(run, Message.State.INTERRUPTED)

    async def _flush(self, runs: list[Run]) -> None:
        now = monotonic()
        drafts = [draft_of(r) for r in runs if r.is_dirty or now - r.renewed >= RENEW_SECONDS]
        others = [run.message_id for run in runs]
        flushed, failed = await self.rows(partial(flush_or_look, drafts, others))
        for run in runs:
            if run.message_id in flushed.lost:
                self.abandon(run)
            elif run.message_id in flushed.stopping:
                self._cancel(run, Message.State.STOPPED)
        self._note([draft for draft in drafts if draft.message_id not in failed], now)

    def _note(self, drafts: list[journal.Draft], now: float) -> None:
        for draft in drafts:
            run = self.find(draft.message_id)
            if run is not None:
                note_flushed(run, draft, now)


@cache
def runtime() -> Runtime:
    """The one of this process."""
    return Runtime()


def wind_down() -> None:
    """For ``settings.WIND_DOWN``: the answers of this process end, or are interrupted."""
    runtime().wind_down()
