"""What of OpenAI's protocol a server takes; it is learned from what it refuses."""

import json
import re
from dataclasses import dataclass
from typing import Any

import openai

from chat.generation.modelconfig import Limits, ModelConfig

_NOT_KNOWN = re.compile(
    r"unsupported|(?:not|n't) (?:support|permit|allow)|unrecognized|unknown|deprecated|extra in",
    re.I,
)


@dataclass
class Dialect:
    """The parameters that a server takes. Some refuse what OpenAI's first protocol had."""

    tokens_field: str = "max_tokens"
    takes_temperature: bool = True
    takes_stream_options: bool = True

    def parameters(self, config: ModelConfig, limits: Limits) -> dict[str, Any]:
        said: dict[str, Any] = {self.tokens_field: limits.max_tokens}
        if self.takes_temperature and config.temperature is not None:
            said["temperature"] = config.temperature
        if self.takes_stream_options:
            said["stream_options"] = {"include_usage": True}
        if config.extra:
            said |= json.loads(config.extra)
        return said

    def learn(self, error: openai.BadRequestError) -> bool:
        """Whether a refusal says which parameter not to send again."""
        words = str(error)
        named = error.param or ""
        if not named and not _NOT_KNOWN.search(words):
            return False
        about = named or words
        if "max_tokens" in about and self.tokens_field == "max_tokens":
            self.tokens_field = "max_completion_tokens"
        elif "temperature" in about and self.takes_temperature:
            self.takes_temperature = False
        elif "stream_options" in about and self.takes_stream_options:
            self.takes_stream_options = False
        else:
            return False
        return True
