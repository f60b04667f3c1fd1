"""A model that writes, behind any OpenAI-compatible address.

    ModelError
    ├── ModelTimeout   no connection, no first token or no next token in time
    ├── ModelFailed    refused, broke off, or sent what cannot be read
    └── PersonalData   nothing was sent: it holds what must not leave the house

Nothing is retried here: a retry is billed, and text that was shown must not come twice.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import openai

from chat.generation.context import ANSWER_TOKENS
from chat.generation.guard import Guard
from chat.generation.prompts import Message
from chat.generation.redacting import Restoring, Shield

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
TEMPERATURE = 0.2
# A model that ignores ``max_tokens`` is cut here: no answer of 700 tokens is longer.
LONGEST_ANSWER = ANSWER_TOKENS * 12
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ModelError(Exception):
    """The model gave no answer, or not all of it."""


class ModelTimeout(ModelError):
    pass


class ModelFailed(ModelError):
    pass


class PersonalData(ModelError):
    pass


@dataclass(frozen=True)
class ModelConfig:
    """Where a model is and how long it may take, in seconds."""

    name: str
    api_key: str
    base_url: str = ""
    window: int = 8192  # tokens
    first_token_seconds: float = 20.0
    next_token_seconds: float = 20.0
    whole_seconds: float = 60.0
    guard: Guard = field(default_factory=Guard)


@dataclass(frozen=True)
class Token:
    """A piece of the answer; the last one carries the provider's own count and no text."""

    text: str
    tokens_used: int = 0


class Cleaner:
    """Tokens without what no row and no wire takes: lone surrogates and control characters.

    Newline and tab stay. Half of a pair waits for the other half in the next token.
    """

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        whole = text[: len(text) - len(self._half)]
        if not whole.isascii():
            # Joins the halves of pairs and leaves out halves that stand alone.
            whole = whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
        return _CONTROL.sub("", whole)


class ChatModel:
    """One model. Make and use it in one event loop."""

    def __init__(self, config: ModelConfig) -> None:
        self.config = config
        self._client = openai.AsyncOpenAI(
            api_key=config.api_key or "none",  # local servers want none, the client wants one
            base_url=config.base_url or None,
            timeout=openai.Timeout(config.whole_seconds, connect=CONNECT_SECONDS),
            max_retries=0,
        )

    async def write(self, messages: Sequence[Message]) -> AsyncGenerator[Token]:
        """Stream an answer.

        Closing the iterator closes the connection, so the provider stops writing.

        Raises:
            ModelTimeout, ModelFailed: also after some tokens have come.
            PersonalData: the messages hold some, and the guard says not to send it.
        """
        deadline = asyncio.get_running_loop().time() + self.config.whole_seconds
        sent, restoring = await guarded(messages, self.config.guard)
        stream = await self._open(sent, deadline)
        try:
            async for token in self._tokens(stream, deadline):
                shown = restoring.feed(token.text)
                if shown or token.tokens_used:
                    yield replace(token, text=shown)
        except ModelError:
            yield Token(restoring.close())
            raise
        finally:
            with suppress(openai.OpenAIError, OSError, RuntimeError):
                await stream.close()
        yield Token(restoring.close())

    async def close(self) -> None:
        await self._client.close()

    async def _open(self, messages: Sequence[Message], deadline: float) -> Any:
        said: Any = [message.as_dict() for message in messages]
        request = self._client.chat.completions.create(
            model=self.config.name,
            messages=said,
            stream=True,
            stream_options={"include_usage": True},
            temperature=TEMPERATURE,
            max_tokens=ANSWER_TOKENS,
        )
        return await _in_time(request, min(self.config.first_token_seconds, _left(deadline)))

    async def _tokens(self, stream: Any, deadline: float) -> AsyncIterator[Token]:
        events = aiter(stream)
        length = 0
        cleaner = Cleaner()
        reason = ""
        while True:
            limit = self.config.next_token_seconds if length else self.config.first_token_seconds
            try:
                event = await _in_time(anext(events), min(limit, _left(deadline)))
            except StopAsyncIteration:
                break
            token, finished = _read(event)
            token = replace(token, text=cleaner.feed(token.text))
            reason = finished or reason
            length += len(token.text)
            if token.text or token.tokens_used:
                yield token
            if length > LONGEST_ANSWER:
                raise ModelFailed("the answer has no end")
        if not length:
            raise ModelFailed("the answer is empty")
        if reason == "length":
            raise ModelFailed("the answer was cut at its longest length")


async def guarded(messages: Sequence[Message], guard: Guard) -> tuple[Sequence[Message], Restoring]:
    """The messages as they may leave, and what puts back what they hide.

    Every call to a model goes through here, whatever it is for.

    Raises:
        PersonalData: see ``Guard.personal_data``.
    """
    shield = Shield(guard.phone_region)
    if guard.personal_data == "off":
        return messages, Restoring(shield)
    hidden = await asyncio.to_thread(shield.hide, messages)
    if guard.personal_data == "block" and shield.counts:
        raise PersonalData("personal data must not be sent to this model")
    return hidden, Restoring(shield)


def _left(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())


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
        raise ModelFailed(f"the model answered {error.status_code}") from error
    except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
        # The last three: a body that is not the JSON that the client expects.
        raise ModelFailed(type(error).__name__) from error


def _read(event: Any) -> tuple[Token, str]:
    """Text, count and finish reason of one chunk, which the client has not validated."""
    used = getattr(getattr(event, "usage", None), "total_tokens", 0)
    choices = getattr(event, "choices", None)
    if not isinstance(choices, list) or not choices:
        return Token("", used if isinstance(used, int) else 0), ""
    text = getattr(getattr(choices[0], "delta", None), "content", None)
    reason = getattr(choices[0], "finish_reason", None)
    return (
        Token(text if isinstance(text, str) else "", used if isinstance(used, int) else 0),
        reason if isinstance(reason, str) else "",
    )
