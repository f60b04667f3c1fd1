"""The provider's judgement on a text, from an OpenAI-compatible ``/moderations``, in time."""

import asyncio
from dataclasses import dataclass, field

import openai

from chat.generation.breaker import FIRST_PAUSE, Breaker
from chat.generation.guard import Guard
from chat.generation.modelconfig import ModelResting, PersonalData
from chat.generation.prompts import Message
from chat.generation.redacting import guarded

LONGEST = 20_000  # code points of a text that are sent; an answer has no more


class ModerationFailed(Exception):
    """No judgement came; the message says why, without a word of the text."""


class _TimedOut(ModerationFailed):
    pass


@dataclass(frozen=True)
class ModerationConfig:
    """Where the endpoint is; ``seconds`` is how long one check may take."""

    model: str
    api_key: str
    base_url: str = ""
    seconds: float = 3.0
    guard: Guard = field(default_factory=Guard)


@dataclass(frozen=True)
class Judgement:
    """``categories`` are the provider's words for what it found."""

    is_flagged: bool
    categories: tuple[str, ...] = ()


class Moderator:
    """One endpoint. Make and use it in one event loop."""

    def __init__(self, config: ModerationConfig) -> None:
        self.config = config
        # One that hangs would cost each reader its whole time, before the answer and after it.
        self.breaker = Breaker(longest=FIRST_PAUSE)
        self._client = openai.AsyncOpenAI(
            api_key=config.api_key or "none",
            base_url=config.base_url or None,
            timeout=openai.Timeout(config.seconds, connect=config.seconds),
            max_retries=0,
        )

    async def judge(self, text: str) -> Judgement:
        """Whether a text is objectionable; personal data is hidden as before a model.

        Raises:
            ModerationFailed: no answer in time, none that can be read, or it is not asked now,
                since it failed again and again.
        """
        try:
            self.breaker.enter()
        except ModelResting as error:
            raise ModerationFailed(str(error)) from None
        is_told = False
        try:
            judgement = await self._asked(text)
            self.breaker.succeeded()
            is_told = True
        except _TimedOut:  # other failures cost no time, and who causes them must gain nothing
            self.breaker.failed()
            is_told = True
            raise
        finally:
            if not is_told:  # given up by us, or not sent at all
                self.breaker.left()
        return judgement

    async def close(self) -> None:
        await self._client.close()

    async def _asked(self, text: str) -> Judgement:
        try:
            async with asyncio.timeout(self.config.seconds):
                sent, _ = await guarded([Message("user", text[-LONGEST:])], self.config.guard)
                found = await self._client.moderations.create(
                    model=self.config.model, input=sent[0].content
                )
        except TimeoutError:
            raise _TimedOut("nothing came in time") from None
        except PersonalData:
            raise ModerationFailed("personal data must not be sent there") from None
        except openai.APITimeoutError:
            raise _TimedOut("nothing came in time") from None
        except openai.APIStatusError as error:
            raise ModerationFailed(f"it answered {error.status_code}") from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise ModerationFailed(type(error).__name__) from None
        return _read(found)


def _read(found: object) -> Judgement:
    """What the client, which validates nothing, made of the body."""
    results = getattr(found, "results", None)
    if not isinstance(results, list) or not results:
        raise ModerationFailed("it sent no result")
    is_flagged = getattr(results[0], "flagged", None)
    if not isinstance(is_flagged, bool):
        raise ModerationFailed("it sent no verdict")
    categories = getattr(results[0], "categories", None)
    try:
        named = categories.to_dict() if categories is not None else {}
    except AttributeError:
        named = categories if isinstance(categories, dict) else {}
    return Judgement(
        is_flagged, tuple(sorted(str(name)[:60] for name, on in named.items() if on is True))
    )
