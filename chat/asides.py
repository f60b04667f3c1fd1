"""Short texts of a model that help to answer and are not the answer: a rewriting, a summary."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chat.conf import model_config
from chat.generation.llm import ChatModel, ModelConfig, ModelError
from chat.generation.prompts import Message

logger = logging.getLogger(__name__)

_CHARS_A_TOKEN = 12  # no text is longer: a model that ignores the limit is cut here


class ModelDesk(Protocol):
    """Where a call gets its model."""

    def model(self, config: ModelConfig) -> ChatModel: ...


@dataclass(frozen=True)
class Request:
    """A short text to be written; ``message_id`` says for which answer."""

    purpose: str  # "rewrite" or "summary"
    messages: Sequence[Message]
    max_tokens: int
    seconds: float  # for all of it
    message_id: UUID | None = None


async def ask_model(desk: ModelDesk, request: Request) -> str | None:
    """What the model says, whole; None where there is none, or none that says it in time."""
    config = model_config()
    if config is None:
        return None
    said = ""
    try:
        async with asyncio.timeout(request.seconds):
            async with aclosing(desk.model(config).write(request.messages)) as tokens:
                async for token in tokens:
                    said += token.text
                    if len(said) > request.max_tokens * _CHARS_A_TOKEN:
                        return None
    except (TimeoutError, ModelError) as error:
        logger.warning("no model did the %s: %s", request.purpose, type(error).__name__)
        return None
    return said.strip()
