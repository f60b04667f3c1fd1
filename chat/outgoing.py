"""A request to a model as it goes out, and what of it is kept: figures, references and seals."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.utils.crypto import salted_hmac

from chat.generation.context import estimate_tokens
from chat.generation.modelconfig import Limits, ModelConfig
from chat.generation.prompts import Message
from knowledge.passages import Passage

_SALT = "chat.trace"


@dataclass(frozen=True)
class Outgoing:
    """A request at the moment at which it goes out. ``call`` is the number of its row."""

    call: int
    config: ModelConfig  # with its guard
    messages: Sequence[Message]
    limits: Limits


def entry_of(recipe: Mapping[str, Any], out: Outgoing) -> dict[str, Any]:
    """What a trace keeps of a request: ``recipe`` says what it is put together from."""
    return {
        "call": out.call,
        "instruction": digest(out.messages[0].content),
        "tokens": sum(estimate_tokens(message.words) for message in out.messages),
        "seals": [seal(message) for message in out.messages],
        **_parameters(out.config, out.limits),
        **recipe,
    }


def seal(message: Message) -> str:
    """What tells later whether a message that was put together again is the one that was sent.

    Keyed, so that short words that were erased cannot be guessed from it.
    """
    text = f"{message.role}\n{message.content}"
    if message.calls or message.answers:
        called = [call.as_dict() for call in message.calls]
        text = json.dumps([message.role, message.content, called, message.answers])
    return salted_hmac(_SALT, text, algorithm="sha256").hexdigest()[:32]


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def place_of(passage: Passage) -> dict[str, Any]:
    """Where a passage stands. The order of the first keys is what ``forgetting`` looks for."""
    return {
        "chunk_id": passage.chunk_id,
        "document_id": passage.document_id,
        "document_version": passage.document_version,
        "start": passage.start,
        "end": passage.end,
        **({"has_columns": True} if passage.columns else {}),
    }


def _parameters(config: ModelConfig, limits: Limits) -> dict[str, Any]:
    return {
        "model": config.name,
        "model_id": config.model_id,
        "host": urlsplit(config.base_url).hostname or "",
        "temperature": config.temperature,
        "answer_tokens": limits.max_tokens,
        "window": config.window,
        "prices": [str(config.price_in), str(config.price_out)],
        "extra": config.extra,
        "personal_data": config.guard.personal_data,
        "phone_region": config.guard.phone_region,
        "omits_orders": config.guard.omits_orders,
        "functions": [tool.name for tool in limits.tools] if limits.may_call else [],
    }
