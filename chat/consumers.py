"""``WS /ws/chat/``: ask, read, stop and join over one connection, as by the HTTP doors.

A socket only observes: an answer is written on when it closes. Events come from the same stream as
server-sent events, so a reader who comes back with ``last_event_id`` misses nothing. A reader who
takes no frame for ``SEND_SECONDS`` is dropped; nobody else waits for it. What closes a socket with
which code is in ``docs/api.md``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from chat import frames, services
from chat.api.serializers import AskSerializer, EditSerializer, RegenerateSerializer
from chat.following import Streams
from chat.services import Asked
from chat.sockets import in_thread, room
from core.drain import drain_event
from core.errors import (
    AppError,
    Code,
    Invalid,
    NotAuthenticated,
    PermissionDenied,
    Throttled,
    TooLarge,
)
from core.sockets import headers_of, request_of
from core.throttles import address_key, client_address
from users.connections import Credential, by_session, by_token, user_of

logger = logging.getLogger(__name__)

AUTH_SECONDS = 5.0
PING_SECONDS = 15.0  # proxies cut a line that is silent for 60 s
SEND_SECONDS = 30.0  # for a reader to take one frame
TOO_LONG, RESTART, TRY_LATER = 1009, 1012, 1013
NOT_ALLOWED, TOO_MANY = 4401, 4429

Handler = Callable[[dict[str, Any]], Awaitable[None]]


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One socket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.credential: Credential | None = None
        self.address = ""
        self._streams = Streams(self._tell)
        self._begun: set[UUID] = set()  # answers that were asked for here
        self._allowance = frames.Allowance()
        self._sending = asyncio.Lock()
        self._code = 0  # with which it is being closed
        self._is_closed = False
        self._over = asyncio.Event()
        self._opened = self._spoke = monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._handlers: dict[str, Handler] = {
            "auth": self._auth,
            "message": self._message,
            "regenerate": self._regenerate,
            "edit": self._edit,
            "join": self._join,
            "stop": self._stop,
            "ping": self._pong,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hold the socket until either side ends it; nothing of it outlives this call."""

        async def receive_or_end() -> Any:
            coming, over = (asyncio.ensure_future(one) for one in (receive(), self._over.wait()))
            try:
                await asyncio.wait((coming, over), return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    return coming.result()
                return {"type": "websocket.disconnect", "code": self._code or 1006}
            finally:
                coming.cancel()
                over.cancel()

        try:
            await super().__call__(scope, receive_or_end, send)
        finally:
            self._over.set()
            room().leave(self)
            self._streams.cancel()
            for task in self._tasks:
                task.cancel()

    # --- Opening and closing --------------------------------------------------------------------

    async def connect(self) -> None:
        self.address = address_key(client_address(request_of(self.scope)))
        await self.accept()
        if not room().enter(self):
            await self._close(TOO_MANY, Throttled(int(AUTH_SECONDS), "Too many open sockets."))
            return
        cookies = headers_of(self.scope).get("cookie", "")
        if cookies and self.scope["may_use_cookies"]:
            found = await in_thread(partial(by_session, cookies))
            if found is not None:
                await self._admit(found)
        self._tasks.append(asyncio.create_task(self._watch()))

    async def disconnect(self, code: int) -> None:
        seconds = round(monotonic() - self._opened)
        logger.info("WEBSOCKET /ws/chat/ %s %s s", self._code or code, seconds)

    async def _admit(self, credential: Credential) -> None:
        if self.credential is not None and self.credential.user_id != credential.user_id:
            raise PermissionDenied("This socket is somebody else's. Open another one.")
        if self.credential is None and room().is_full_for(credential.user_id):
            await self._close(TOO_MANY, Throttled(60, "You have too many open sockets."))
            return
        self.credential = credential

    def end(self) -> None:
        """Whoever opened it may not be here any more."""
        self._tasks.append(asyncio.create_task(self._close(NOT_ALLOWED, _bad_token())))

    async def _close(self, code: int, error: AppError | None = None) -> None:
        """Say why, and close; a peer that does not take even that is left alone."""
        if self._code:
            return
        self._code = code
        self._streams.cancel()
        if error is not None:
            await self._send(frames.of_error(error))
        try:
            async with asyncio.timeout(SEND_SECONDS), self._sending:
                self._is_closed = True
                await self.close(code)
        except (TimeoutError, OSError):
            self._over.set()

    async def _watch(self) -> None:
        """Time-outs, heartbeats, the end of a token, and the server's own end."""
        drained = drain_event()
        while not self._code:
            try:
                async with asyncio.timeout(max(0.05, self._rest())):
                    await drained.wait()
            except TimeoutError:
                await self._look()
            else:
                await self._tell({"type": "reconnect"})
                await self._close(RESTART)

    def _rest(self) -> float:
        """Seconds until something is due."""
        if self.credential is None:
            return self._opened + AUTH_SECONDS - monotonic()
        left = self._spoke + PING_SECONDS - monotonic()
        if self.credential.expires_at is None:
            return left
        return min(left, (self.credential.expires_at - timezone.now()).total_seconds())

    async def _look(self) -> None:
        now = monotonic()
        if self.credential is None:
            if now - self._opened >= AUTH_SECONDS:
                await self._close(NOT_ALLOWED, NotAuthenticated("No token came in time."))
            return
        end = self.credential.expires_at
        if end is not None and end <= timezone.now():
            await self._close(NOT_ALLOWED, _bad_token())
        elif now - self._spoke >= PING_SECONDS:
            await self._tell({"type": "ping"})

    # --- Frames ---------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One frame. Whatever is wrong with it is told, and most of it forgiven."""
        if self._code:
            return
        try:
            await self._take(text_data)
        except TooLarge as error:
            await self._close(TOO_LONG, error)
        except NotAuthenticated as error:
            await self._close(NOT_ALLOWED, error)
        except (AppError, ValidationError) as error:
            await self._tell(frames.of_error(error))
        except Exception:  # edge: a frame, like a request
            logger.exception("a frame could not be answered")
            await self._tell(frames.unexpected())

    async def _take(self, text: str | None) -> None:
        if not self._allowance.take():
            await self._close(TOO_MANY, Throttled(5, "Too many frames."))
            return
        frame = frames.read(text)
        handler = self._handlers.get(frame["type"])
        if self.credential is None and frame["type"] != "auth":
            raise NotAuthenticated("The first frame is auth, with a token.")
        if handler is None:
            raise Invalid("There is no frame of this type.")
        await handler(frame)

    async def _auth(self, frame: dict[str, Any]) -> None:
        token = frame.get("token")
        if not isinstance(token, str):
            raise _bad_token()
        await self._admit(await in_thread(partial(by_token, token)))

    async def _message(self, frame: dict[str, Any]) -> None:
        form = AskSerializer(data=frame)
        form.is_valid(raise_exception=True)
        question = form.question(self.address)
        await self._ask(lambda user: services.ask(user, question, _key(frame)))

    async def _regenerate(self, frame: dict[str, Any]) -> None:
        form = RegenerateSerializer(data=frame)
        form.is_valid(raise_exception=True)
        work = partial(
            services.regenerate,
            message_id=frames.identity(frame),
            model=form.validated_data["model"],
            address=self.address,
            key=_key(frame),
        )
        await self._ask(work)

    async def _edit(self, frame: dict[str, Any]) -> None:
        form = EditSerializer(data=frame)
        form.is_valid(raise_exception=True)
        question, edited = form.question(self.address), frames.identity(frame)
        await self._ask(lambda user: services.edit(user, edited, question, _key(frame)))

    async def _ask(self, work: Callable[[Any], Asked]) -> None:
        asked = await self._as_user(work)
        self._begun = {pk for pk in self._begun if pk in self._streams} | {asked.answer.pk}
        self._streams.read(asked.answer.pk, asked.session.user_id, 0)

    async def _join(self, frame: dict[str, Any]) -> None:
        message_id, after = frames.identity(frame), frames.offset(frame)
        await self._as_user(lambda user: services.own_answer(user, message_id))
        if self.credential is not None:  # it may have ended meanwhile
            self._streams.read(message_id, self.credential.user_id, after)

    async def _stop(self, frame: dict[str, Any]) -> None:
        """One answer, or all that were asked for here and still run."""
        if frame.get("message_id") is not None:
            wanted = {frames.identity(frame)}
        else:
            wanted = {pk for pk in self._begun if pk in self._streams}
        for message_id in wanted:
            await self._as_user(partial(services.stop, message_id=message_id))

    async def _pong(self, _frame: dict[str, Any]) -> None:
        await self._tell({"type": "pong"})

    async def _as_user(self, work: Callable[[Any], Any]) -> Any:
        """Do it as whoever opened the socket, if they may still be here."""
        credential = self.credential
        if credential is None:
            raise NotAuthenticated
        return await in_thread(lambda: work(user_of(credential)))

    # --- Sending --------------------------------------------------------------------------------

    async def _tell(self, frame: dict[str, Any]) -> bool:
        """Send a frame; False once the socket is being closed, or its reader does not read."""
        return not self._code and await self._send(frame)

    async def _send(self, frame: dict[str, Any]) -> bool:
        if self._over.is_set():
            return False
        self._spoke = monotonic()
        try:
            async with asyncio.timeout(SEND_SECONDS), self._sending:
                if not self._is_closed:  # while it waited for its turn
                    await self.send(text_data=frames.encode(frame))
        except TimeoutError:
            self._code = self._code or TRY_LATER
            self._over.set()
        except OSError:  # uvicorn's word for a peer that left
            self._over.set()
        return not self._over.is_set()


def _bad_token() -> NotAuthenticated:
    return NotAuthenticated("The token is not valid.", code=Code.TOKEN_NOT_VALID)


def _key(frame: dict[str, Any]) -> str | None:
    key = frame.get("idempotency_key")
    if key is not None and not isinstance(key, str):
        raise Invalid(fields={"idempotency_key": ["A text."]})
    return key
