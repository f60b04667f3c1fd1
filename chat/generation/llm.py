"""A model that writes, behind any OpenAI-compatible address.

A call is repeated only while nothing of it was shown, and only where the provider refused it or
was not reached: what was generated is billed, and text that was shown must not come twice.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import openai

from chat.generation import patience
from chat.generation.breaker import Breaker
from chat.generation.dialect import Dialect
from chat.generation.modelconfig import (
    Limits,
    ModelBusy,
    ModelConfig,
    ModelError,
    ModelFailed,
    ModelTimeout,
    ToolsRefused,
    limits_of,
)
from chat.generation.prompts import Message
from chat.generation.redacting import guarded
from chat.generation.tokens import Cleaner, Measure, Thoughts, Token, read_piece
from chat.generation.toolcalls import CallAssembler

__all__ = ["ChatModel", "ModelConfig", "ModelError", "ModelFailed", "ModelTimeout", "Token"]

# Refused for the moment: nothing was generated, nothing billed. 529 is Anthropic's "overloaded".
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_OUR_FAULT = frozenset({400, 413, 422})  # of the request, not of the model's health


@dataclass
class _Clock:
    """The time-outs of one call: absolute ends, in the loop's time."""

    whole: float
    first: float
    step: float  # seconds between two pieces
    has_begun: bool = False

    def left(self) -> float:
        """Seconds that the next piece may take."""
        now = asyncio.get_running_loop().time()
        until = now + self.step if self.has_begun else self.first
        return max(0.0, min(until, self.whole) - now)


@dataclass
class ChatModel:
    """One model with its breaker. Make and use it in one event loop."""

    config: ModelConfig
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        self._client = openai.AsyncOpenAI(
            api_key=self.config.api_key or "none",  # local servers want none, the client wants one
            base_url=self.config.base_url or None,
            timeout=openai.Timeout(self.config.whole_seconds, connect=self.config.connect_seconds),
            max_retries=0,
        )
        self._dialect = Dialect()
        self._turns = asyncio.Semaphore(self.config.at_once)
        self.running = 0

    @property
    def takes_tools(self) -> bool:
        """Whether functions may be offered; False for a while after the server refused them."""
        return self.config.tools and self._dialect.takes_tools

    async def write(
        self, messages: Sequence[Message], limits: Limits | None = None
    ) -> AsyncGenerator[Token]:
        """Stream an answer.

        Closing the iterator closes the connection, so the provider stops writing.

        Raises:
            PersonalData: the messages hold some, and the guard says not to send it.
            ToolsRefused: the server does not take the functions that ``limits`` offer.
            ModelError: also after some tokens have come.
        """
        sent, restoring = await guarded(messages, self.config.guard)
        try:
            async with aclosing(self._asked(sent, limits or limits_of(self.config))) as tokens:
                async for token in tokens:
                    shown = restoring.feed(token.text)
                    if shown or token.tokens_used or token.calls:
                        yield replace(token, text=shown, calls=restoring.calls(token.calls))
        except ModelError:
            yield Token(restoring.close())
            raise
        yield Token(restoring.close(), was_redacted=restoring.was_redacted)

    async def _asked(self, messages: Sequence[Message], limits: Limits) -> AsyncGenerator[Token]:
        """The tokens of the first attempt that says anything."""
        async with self._turn():
            deadline = asyncio.get_running_loop().time() + limits.whole_seconds
            attempt = 0
            while True:
                attempt += 1
                pause = None
                tokens = self._attempt(messages, limits, deadline)
                has_text = False
                async with aclosing(tokens):
                    try:
                        async for token in tokens:
                            has_text = has_text or bool(token.text or token.calls)
                            yield token
                    except ModelError as error:
                        pause = _pause(error, attempt, limits, deadline)
                        if pause is None or has_text:
                            raise
                        if limits.repeats is not None:
                            limits.repeats(str(error))
                if pause is None:
                    return
                await asyncio.sleep(pause)

    async def close(self) -> None:
        await self._client.close()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One of the calls that may run at once.

        Raises:
            ModelBusy: none became free in time.
        """
        try:
            async with asyncio.timeout(self.config.queue_seconds):
                await self._turns.acquire()
        except TimeoutError as error:
            raise ModelBusy(f"{self.config.at_once} calls are running") from error
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._turns.release()

    async def _attempt(
        self, messages: Sequence[Message], limits: Limits, deadline: float
    ) -> AsyncGenerator[Token]:
        """One request, and what it says about the model's health."""
        self.breaker.enter()
        is_told = False
        try:
            async with aclosing(self._stream(messages, limits, deadline)) as tokens:
                async for token in tokens:
                    yield token
            self.breaker.succeeded()
            is_told = True
        except ModelError as error:
            if error.is_fault:
                self.breaker.failed(error.retry_after)
                is_told = True
            raise
        finally:
            if not is_told:  # stopped by the reader, or refused for what it was
                self.breaker.left()

    async def _stream(
        self, messages: Sequence[Message], limits: Limits, deadline: float
    ) -> AsyncGenerator[Token]:
        now = asyncio.get_running_loop().time()
        clock = _Clock(
            deadline, now + self.config.first_token_seconds, self.config.next_token_seconds
        )
        stream = await self._open(messages, limits, clock)
        try:
            async for token in _tokens(stream, clock, limits):
                yield token
        finally:
            with suppress(openai.OpenAIError, OSError, RuntimeError):
                await stream.close()

    async def _open(self, messages: Sequence[Message], limits: Limits, clock: _Clock) -> Any:
        """The stream; a parameter that this server refuses is left out from then on.

        Of the client's chunks only their JSON is asked for: to make objects of them takes it ten
        times as long as to read them, for each token.
        """
        said = [message.as_dict() for message in messages]
        while True:
            parameters = self._dialect.parameters(self.config, limits)
            request = self._client.post(
                "/chat/completions",
                cast_to=object,
                body={
                    "model": self.config.model_id,
                    "messages": said,
                    "stream": True,
                    **parameters,
                },
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
            try:
                return await _in_time(request, clock.left())
            except ModelFailed as error:
                refusal = error.__cause__
                if limits.tools and self._dialect.refuses_tools(refusal):
                    raise ToolsRefused("the server does not take functions") from error
                if not isinstance(refusal, openai.BadRequestError):
                    raise
                if not self._dialect.learn(refusal):
                    raise


async def _tokens(stream: Any, clock: _Clock, limits: Limits) -> AsyncIterator[Token]:
    events = aiter(stream)
    cleaner, thoughts, measure = Cleaner(), Thoughts(), Measure(limits.max_tokens)
    called = CallAssembler()
    reason = ""
    while True:
        try:
            event = await _in_time(anext(events), clock.left())
        except StopAsyncIteration:
            break
        piece = read_piece(event)
        reason = piece.finished or reason
        clock.has_begun = clock.has_begun or piece.is_alive
        text = thoughts.feed(cleaner.feed(piece.text))
        measure.add(text + " " * called.feed(piece.calls))
        if text or piece.tokens_in or piece.tokens_out:
            yield Token(text, piece.tokens_in, piece.tokens_out)
    rest = thoughts.rest()
    if rest:
        measure.add(rest)
        yield Token(rest)
    if limits.tools and called.calls:
        yield Token("", calls=called.calls)
    _judge(reason, is_something=bool(measure) or bool(called.calls))


def _judge(reason: str, *, is_something: bool) -> None:
    """Whether an answer that ended is one.

    Raises:
        ModelFailed: it is empty, withheld or cut.
    """
    if reason == "content_filter":
        raise ModelFailed("the provider withheld the answer", is_fault=False)
    if not is_something:
        spent = ": its tokens went into thoughts, so it needs more" if reason == "length" else ""
        raise ModelFailed(f"the answer is empty{spent}")
    if reason == "length":
        raise ModelFailed("the answer was cut at its longest length", is_fault=False)


def _pause(error: ModelError, attempt: int, limits: Limits, deadline: float) -> float | None:
    """Seconds until the next attempt; None where there is none."""
    if not error.may_repeat or attempt > limits.retries:
        return None
    pause = patience.pause_before(attempt, error.retry_after)
    left = deadline - asyncio.get_running_loop().time()
    return pause if pause is not None and pause < left else None


async def _in_time(work: Any, seconds: float) -> Any:
    """Await something of the client's, with its errors in our words.

    ``asyncio.wait_for`` would lose a cancellation that comes together with a result (Python 3.11).
    """
    try:
        async with asyncio.timeout(seconds):
            return await work
    except (TimeoutError, openai.APITimeoutError) as error:
        raise ModelTimeout(f"nothing came within {seconds:.0f} s") from error
    except openai.APIStatusError as error:
        raise _refused(error) from error
    except openai.APIConnectionError as error:
        raise ModelFailed("the connection failed", may_repeat=True, is_billed=False) from error
    except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
        # The last three: a body that is not the JSON that the client expects.
        raise ModelFailed(type(error).__name__) from error


def _refused(error: openai.APIStatusError) -> ModelFailed:
    status = error.status_code
    has_no_credit = error.code == "insufficient_quota"  # OpenAI's 429 that no waiting mends
    return ModelFailed(
        f"the model answered {status}",
        may_repeat=status in _PASSING and not has_no_credit,
        is_fault=status not in _OUR_FAULT,
        is_billed=False,
        retry_after=patience.retry_after(error.response.headers),
    )
