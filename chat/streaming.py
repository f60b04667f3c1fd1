"""An answer as a stream of events that a reader may join, leave and join again.

A reader only observes. ``id`` is the number of code points of the answer that were sent, so a
reader who comes back with the last one gets the rest, without a missing or doubled character.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.http import HttpRequest
from rest_framework.request import Request

from chat.models import Message
from chat.replaying import pieces
from chat.runs import LAST, Event, Run, documents_of
from chat.runtime import runtime
from chat.watching import Seen, ending, look
from core.drain import is_draining
from core.sse import CONTENT_TYPE, HEADERS, EventStream
from knowledge.search import withdrawn

PING_SECONDS = 15.0  # proxies cut a line that is silent for 60 s
GATHER_SECONDS = 0.02  # tokens that come within this time go out as one event
RETRY_MS = 1000


async def events(message_id: UUID, user_id: int, after: int = 0) -> AsyncGenerator[Event, None]:
    """The events of an answer: ``session`` and ``sources`` always, the text behind ``after``.

    Ends with ``done`` or ``error``, or with ``reconnect`` where this process is about to go.
    """
    run = runtime().find(message_id)
    if run is None:
        seen = await _look(message_id)
        if seen is None or seen.user_id != user_id:
            yield Event("error", {"code": "not_found", "detail": "Not found."})
            return
        if seen.state != Message.State.RUNNING:
            for event in _replay(seen, after):
                yield event
            return
        run = runtime().follow(Run(message_id, seen.session_id, user_id))
    if run.user_id != user_id:
        yield Event("error", {"code": "not_found", "detail": "Not found."})
        return
    await _recheck(run)
    async for event in _live(run, after):
        yield run.as_readable(event)


async def _recheck(run: Run) -> None:
    """What is shown again is what may be read at this moment."""
    shown = [(run.user_id, span) for span in run.spans]
    if shown:
        look_again = partial(withdrawn, shown)
        gone = await asyncio.wrap_future(runtime().submit_rows(look_again))
        run.gone = documents_of({span: why for (_, span), why in gone.items()})


async def _look(message_id: UUID) -> Seen | None:
    found = await asyncio.wrap_future(runtime().submit_rows(partial(look, [message_id])))
    return found[0] if found else None


def _replay(seen: Seen, after: int) -> Iterator[Event]:
    """A finished answer."""
    at = min(after, len(seen.body["message"]))
    ids = {"session_id": str(seen.session_id), "message_id": str(seen.message_id)}
    yield Event("session", ids, at)
    yield Event("sources", {"sources": seen.sources}, at)
    for kind, data in pieces(seen.body, at):
        at += len(data["text"]) if kind == "token" else 0
        yield Event(kind, data, at)
    kind, data = ending(seen.body)
    yield Event(kind, data, at)


async def _live(run: Run, after: int) -> AsyncIterator[Event]:
    bell = run.attach()
    at, sent = 0, after
    spoke = monotonic()
    try:
        while True:
            batch = run.log[at:]
            at += len(batch)
            for event in _from(batch, sent):
                sent = event.offset
                yield event
                if event.kind in LAST:
                    return
            if is_draining():
                yield Event("reconnect", {}, sent)
                return
            if batch:
                spoke = monotonic()
                # Behind words only: the first of them shall not wait for what came before.
                if any(event.kind == "token" for event in batch):
                    await asyncio.sleep(GATHER_SECONDS)
            elif monotonic() - spoke >= PING_SECONDS:
                spoke = monotonic()
                yield Event("ping", {}, sent)
            await bell.wait(PING_SECONDS)
    finally:
        run.detach(bell)


def _from(batch: Sequence[Event], sent: int) -> Iterator[Event]:
    """What of these events a reader lacks who has ``sent`` code points; tokens are joined."""
    text = ""
    for event in batch:
        if event.kind == "token":
            begin = event.offset - len(event.data["text"])
            fresh = event.data["text"][max(0, sent - begin) :]
            text += fresh
            sent += len(fresh)
            continue
        if text:
            yield Event("token", {"text": text}, sent)
            text = ""
        if event.kind != "citation" or event.offset >= sent:
            yield Event(event.kind, event.data, sent)
    if text:
        yield Event("token", {"text": text}, sent)


async def as_sse(stream: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Events as Server-Sent Events."""
    async for event in stream:
        yield encode(event)


def encode(event: Event) -> bytes:
    if event.kind == "ping":
        return b": ping\n\n"
    data = json.dumps(event.data, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    retry = f"retry: {RETRY_MS}\n" if event.kind == "reconnect" else ""
    return f"{retry}id: {event.offset}\nevent: {event.kind}\ndata: {data}\n\n".encode()


def sse_response(message: Message, user: Any, after: int = 0) -> EventStream:
    """The response that streams an answer; its asker was checked by whoever calls."""
    stream = events(message.pk, user.pk, after)
    response = EventStream(as_sse(stream), content_type=CONTENT_TYPE, headers=HEADERS)
    release_connections()
    return response


def last_event_id(request: HttpRequest | Request) -> int:
    """Where a reader left: ``Last-Event-ID``, or ``?after=``; 0 where it is no number."""
    given = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def release_connections() -> None:
    """Give this thread's connections back before a long wait; not from inside a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
