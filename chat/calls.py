"""Calls of models as they are made here: with their money reserved, recorded and settled.

``ask_model`` is for short texts that help to answer: a question rewritten, a summary, a title.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from uuid import UUID

from django.db import Error as DatabaseError

from chat import resting
from chat.accounts import paying
from chat.calldesk import CallDesk
from chat.conf import models_for
from chat.generation.context import estimate_tokens
from chat.generation.llm import ModelConfig, ModelError, ModelFailed, ModelTimeout, Token
from chat.generation.modelconfig import Limits, ModelBusy, ModelResting, TooLong, limits_of
from chat.generation.patience import LONGEST_RETRY_AFTER
from chat.generation.prompts import Message
from chat.generation.rounds import tokens_sent
from chat.generation.voice import PLAIN, Voice
from chat.ledger import CallOutcome
from chat.outgoing import Outgoing
from chat.spending import Order, Receipt, reserve, settle

logger = logging.getLogger(__name__)

__all__ = ["CallDesk", "CountedModel", "Request", "ask_model"]

Tell = Callable[[Outgoing], object]


@dataclass(frozen=True)
class Request:
    """A short text to be written. ``message_id`` says for which answer, and so for whom."""

    purpose: str  # one of chat.generation.modelconfig.PURPOSES
    messages: Sequence[Message]
    max_tokens: int
    seconds: float  # for all of it, whatever models are asked
    message_id: UUID | None = None
    tell: Tell | None = None  # told of each call as it goes out


async def ask_model(desk: CallDesk, request: Request) -> str | None:
    """What a model says, whole; None where none says anything in time, or within the budget.

    The models of the purpose are asked in their order, each once; a text that was cut is not
    given, as half a summary misleads.
    """
    try:
        async with asyncio.timeout(request.seconds):
            for config in models_for(request.purpose):
                said = await _said(desk, config, request)
                if said:
                    return said
    except TimeoutError:
        logger.warning("no model did the %s in %.1f s", request.purpose, request.seconds)
    return None


async def _said(desk: CallDesk, config: ModelConfig, request: Request) -> str:
    model = CountedModel(
        desk,
        config,
        request.purpose,
        request.message_id,
        Limits(request.max_tokens, request.seconds),
        tell=request.tell,
    )
    try:
        async with aclosing(model.write(request.messages)) as tokens:
            return "".join([token.text async for token in tokens]).strip()
    except ModelError as error:
        logger.warning("%s did not do the %s: %s", config.name, request.purpose, error)
        return ""


@dataclass
class Count:
    """What one call has cost so far."""

    config: ModelConfig
    tokens_sent: int  # estimated
    began: float = field(default_factory=monotonic)
    said: list[str] = field(default_factory=list)
    tokens_in: int = 0  # the provider's own
    tokens_out: int = 0
    first_token_ms: int | None = None
    last_token_ms: int = 0
    longest_gap_ms: int | None = None
    repeated_for: list[str] = field(default_factory=list)

    def add(self, token: Token) -> None:
        called = "".join(f"{call.name} {call.arguments}" for call in token.calls)
        if token.text or called:
            self.said.append(token.text or called)
            now = self._milliseconds()
            if self.first_token_ms is None:
                self.first_token_ms = now
            else:
                self.longest_gap_ms = max(self.longest_gap_ms or 0, now - self.last_token_ms)
            self.last_token_ms = now
        self.tokens_in = token.tokens_in or self.tokens_in
        self.tokens_out = token.tokens_out or self.tokens_out

    def receipt(self, outcome: str, error: str = "", *, is_billed: bool = True) -> Receipt:
        """What is written down. What the provider did not count is estimated; a call that it
        refused costs nothing.
        """
        is_estimated = not self.tokens_in
        tokens_in = self.tokens_in or (self.tokens_sent if is_billed or self.said else 0)
        tokens_out = self.tokens_out or estimate_tokens("".join(self.said))
        return Receipt(
            outcome=outcome,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            is_estimated=is_estimated,
            cost=self.config.cost(tokens_in, tokens_out),
            milliseconds=self._milliseconds(),
            first_token_ms=self.first_token_ms,
            error=error,
            attempts=1 + len(self.repeated_for),
            repeated_for="; ".join(dict.fromkeys(self.repeated_for)),
            longest_gap_ms=self.longest_gap_ms,
        )

    def _milliseconds(self) -> int:
        return round((monotonic() - self.began) * 1000)


@dataclass(frozen=True)
class CountedModel:
    """A model whose every call is reserved before and settled after, however it ends.

    ``ratio`` is how many tokens its provider counts for one of our estimate.
    """

    desk: CallDesk
    config: ModelConfig
    purpose: str
    message_id: UUID | None = None
    limits: Limits | None = None  # the model's own, where nothing else is said
    voice: Voice = PLAIN
    tell: Tell | None = None  # told of each call as it goes out
    ratio: float = 1.0

    @property
    def takes_tools(self) -> bool:
        """Whether functions may be offered to it now."""
        return self.desk.model(self.config).takes_tools

    async def write(
        self, messages: Sequence[Message], limits: Limits | None = None
    ) -> AsyncGenerator[Token]:
        """Stream an answer.

        Raises:
            TooLong, BudgetExhausted: before anything was sent.
            ModelError: as ``ChatModel.write``.
        """
        model = self.desk.model(self.config)
        limits = limits or self.limits or limits_of(self.config)
        if model.breaker.seconds_left > LONGEST_RETRY_AFTER:  # a shorter pause is waited for
            model.breaker.check()
        count = Count(self.config, tokens_sent(messages, limits.tools))
        # Some servers cut what is too long in silence, and the rules stand at its beginning.
        if count.tokens_sent * self.ratio + limits.max_tokens > self.config.window:
            raise TooLong("the request does not fit into its window")
        call_id = await self._reserve(count, limits)
        # Unless something else is said below: closed by the reader, or cancelled.
        receipt = partial(count.receipt, CallOutcome.STOPPED)
        try:
            if self.tell is not None:
                self.tell(Outgoing(call_id, model.config, messages, limits))
            limits = replace(limits, repeats=count.repeated_for.append)
            async with aclosing(model.write(messages, limits)) as tokens:
                async for token in tokens:
                    count.add(token)
                    yield token
            receipt = partial(count.receipt, CallOutcome.DONE)
        except ModelError as error:
            outcome = _outcome(error)
            receipt = partial(count.receipt, outcome, str(error), is_billed=error.is_billed)
            raise
        finally:
            await self._settle(call_id, receipt())
            await resting.tell(self.desk, self.config.name, model.breaker)

    async def _reserve(self, count: Count, limits: Limits) -> int:
        config, sent = self.config, count.tokens_sent
        account = paying.get()
        order = Order(
            model=config.name,
            purpose=account.purpose if account else self.purpose,
            message_id=None if account else self.message_id,
            user_id=account.user_id if account else None,
            tokens_in=sent,
            prompt_cost=config.cost(sent, 0),
            highest_cost=config.cost(sent, limits.max_tokens),
            seconds=config.queue_seconds + limits.whole_seconds,
        )
        reserving = asyncio.ensure_future(self.desk.rows(partial(reserve, order)))
        try:
            return await asyncio.shield(reserving)
        except DatabaseError as error:
            raise ModelFailed("the call could not be recorded", is_fault=False) from error
        except asyncio.CancelledError:
            # The thread goes on: what it reserves is given back, else it is held till the sweep.
            with suppress(DatabaseError, ModelError):
                await self._settle(await reserving, Receipt(CallOutcome.STOPPED))
            raise

    async def _settle(self, call_id: int, receipt: Receipt) -> None:
        """The job is on its way before it is waited for: a cancellation does not undo it."""
        try:
            await self.desk.rows(partial(settle, call_id, receipt))
        except DatabaseError:
            logger.exception("call %s could not be settled; the sweep does it", call_id)


def _outcome(error: ModelError) -> str:
    if isinstance(error, ModelTimeout):
        return CallOutcome.TIMED_OUT
    if isinstance(error, ModelResting | ModelBusy):
        return CallOutcome.NOT_ASKED
    return CallOutcome.FAILED
