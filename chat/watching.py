"""What other processes write and withdraw: one look at the rows for all readers of this process."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db.models.functions import Now

from chat import journal, reading
from chat.candidates import candidates
from chat.models import ChatSession, Citation, Message
from chat.replaying import pieces
from chat.runs import Run
from knowledge.passages import Span
from knowledge.search import withdrawn

logger = logging.getLogger(__name__)

T = TypeVar("T")
POLL_SECONDS = 0.25
RECHECK_SECONDS = 2.5  # what is restricted or deleted leaves a running stream within five seconds
_IDLE_SECONDS = 1.0


class Host(Protocol):
    """The runtime, as the watcher needs it."""

    def runs(self) -> list[Run]: ...

    def rows(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def abandon(self, run: Run) -> None: ...

    def stop(self, message_id: UUID) -> None: ...


@dataclass(frozen=True)
class Seen:
    """A message as its row shows it."""

    message_id: UUID
    session_id: UUID
    user_id: int
    state: str
    body: dict[str, Any]
    sources: list[dict[str, Any]]  # candidates


@dataclass(frozen=True)
class Progress:
    """How far a running answer is; ``sources`` are its footnotes that were not known yet."""

    message_id: UUID
    user_id: int
    state: str
    text: str
    sources: list[dict[str, Any]]
    searched: int = 0


def look(ids: Sequence[UUID]) -> list[Seen]:
    """These messages in full; one whose process is gone becomes interrupted here."""
    _interrupt_expired(ids)
    rows = Message.objects.filter(pk__in=ids).select_related("session__user")
    return [_seen(message) for message in rows]


def is_running(message_id: UUID) -> bool:
    """Whether somebody is still writing it; what nobody writes any more becomes interrupted."""
    _interrupt_expired([message_id])
    return Message.objects.filter(pk=message_id, state=Message.State.RUNNING).exists()


def _interrupt_expired(ids: Sequence[UUID]) -> None:
    """Look first: an UPDATE takes the write lock even where it changes nothing."""
    running = Message.objects.filter(pk__in=ids, state=Message.State.RUNNING)
    if running.filter(lease_until__lt=Now()).exists():
        journal.interrupt_expired()


def _seen(message: Message) -> Seen:
    user = message.session.user
    return Seen(
        message_id=message.pk,
        session_id=message.session_id,
        user_id=user.pk,
        state=message.state,
        body=reading.answer(message, user=user),
        sources=candidates(message.retrieval, user=user),
    )


def progress(known: Mapping[UUID, frozenset[int]]) -> list[Progress]:
    """How far these answers are: three queries for all, and a few for one with a new footnote.

    Args:
        known: for each message the footnotes that need not be read again.
    """
    _interrupt_expired(list(known))
    rows = Message.objects.filter(pk__in=known).values_list(
        "pk", "session__user_id", "state", "text", "searched"
    )
    new = [
        citation
        for citation in Citation.objects.filter(message_id__in=known).order_by("number")
        if citation.number not in known[citation.message_id]
    ]
    return [
        Progress(pk, user, state, text, _sources([c for c in new if c.message_id == pk]), searched)
        for pk, user, state, text, searched in rows
    ]


def _sources(citations: list[Citation]) -> list[dict[str, Any]]:
    if not citations:
        return []
    session = ChatSession.objects.select_related("user").get(messages=citations[0].message_id)
    return reading.sources(citations, user=session.user)


def catch_up(run: Run, now: Progress) -> None:
    """Bring a followed run to where its row is."""
    for source in now.sources:
        place = (source["document_id"], source["document_version"])
        run.numbers[source["number"]] = Span(*place, source["start"], source["end"])
    body = {"message": now.text, "sources": now.sources}
    for kind, data in pieces(body, len(run.text)):
        if kind == "token":
            run.write(data["text"])
        elif data["number"] not in run.cited:
            run.cited.add(data["number"])
            run.publish(kind, data)


def _needs_a_look(run: Run, now: Progress | None) -> bool:
    """Whether its candidates are there to be read, or its end."""
    if now is None or now.state != Message.State.RUNNING:
        return True
    return not run.has_sources and bool(now.searched or now.text)


def _bring_up(run: Run, now: Progress | None, seen: Seen | None) -> None:
    """Candidates first, then the text, then the end."""
    if seen is not None and not run.has_sources:
        run.announce(seen.sources)
    if seen is not None and seen.state != Message.State.RUNNING:
        text, sources = seen.body["message"], seen.body["sources"]
        catch_up(run, Progress(run.message_id, run.user_id, seen.state, text, sources))
        run.publish(*ending(seen.body))
    elif now is not None:
        catch_up(run, now)
    else:
        run.publish("reconnect", {})  # deleted: who comes again is told 404


def ending(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The last event of a finished answer."""
    if body["state"] == Message.State.FAILED and body["notice"]:
        return "error", dict(body["notice"])
    return "done", body


class Watcher:
    """Polls for the runs that are followed, and re-checks what all running answers show."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._followed: dict[UUID, Run] = {}
        self._lock = threading.Lock()
        self._awake: asyncio.Event | None = None

    def add(self, run: Run) -> Run:
        """Follow a run; the one that is followed already where there is one."""
        with self._lock:
            known = self._followed.get(run.message_id)
            if known is not None and not known.is_finished:
                known.touch()
                return known
            self._followed[run.message_id] = run
            return run

    def wake(self) -> None:
        if self._awake is not None:
            self._awake.set()

    def ring_all(self) -> None:
        for run in self._runs():
            run.ring()

    def _runs(self) -> list[Run]:
        with self._lock:
            return list(self._followed.values())

    async def watch(self) -> None:
        self._awake = asyncio.Event()
        rechecked = monotonic()
        while True:
            await self._rest()
            try:
                await self._poll()
                if monotonic() - rechecked >= RECHECK_SECONDS:
                    rechecked = monotonic()
                    await self._recheck()
            except Exception:
                logger.exception(
                    "running answers could not be looked at; the next look tries again"
                )

    async def _rest(self) -> None:
        if self._awake is None:
            return
        try:
            seconds = POLL_SECONDS if self._runs() else _IDLE_SECONDS
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            return
        self._awake.clear()

    async def _poll(self) -> None:
        self._forget()
        followed = {run.message_id: run for run in self._runs()}
        if not followed:
            return
        known = {key: frozenset(run.cited) for key, run in followed.items()}
        rows = {one.message_id: one for one in await self._host.rows(partial(progress, known))}
        wanted = [key for key, run in followed.items() if _needs_a_look(run, rows.get(key))]
        found = await self._host.rows(partial(look, wanted)) if wanted else []
        seen = {one.message_id: one for one in found}
        for key, run in followed.items():
            _bring_up(run, rows.get(key), seen.get(key))

    def _forget(self) -> None:
        """Let go of what has ended or what nobody reads any more."""
        with self._lock:
            kept = {k: run for k, run in self._followed.items() if not run.is_finished}
            self._followed = {k: run for k, run in kept.items() if run.is_read_lately}

    async def _recheck(self) -> None:
        runs = [*self._host.runs(), *self._runs()]
        if not runs:
            return
        allowed = await self._host.rows(partial(journal.allowed, [run.message_id for run in runs]))
        for run in runs:
            if run.message_id not in allowed:
                self._end(run)
        await self._withdraw(runs)

    def _end(self, run: Run) -> None:
        """The conversation was deleted, or its asker may not come in any more."""
        if run.lease_token is not None:
            self._host.stop(run.message_id)
        run.publish("error", {"code": "not_found", "detail": "Not found."})

    async def _withdraw(self, runs: list[Run]) -> None:
        shown = [(run.user_id, span) for run in runs for span in run.spans]
        if not shown:
            return
        gone = await self._host.rows(partial(withdrawn, shown))
        for run in runs:
            run.lose({span: why for (user_id, span), why in gone.items() if user_id == run.user_id})
