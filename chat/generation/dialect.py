"""What of OpenAI's protocol a server takes; it is learned from what it refuses."""

import json
import re
from dataclasses import dataclass
from time import monotonic
from typing import Any

import openai

from chat.generation.modelconfig import Limits, ModelConfig

# A server may be started anew with functions switched on, so a refusal counts for an hour.
TOOLS_REFUSED_SECONDS = 3600.0
_ABOUT_TOOLS = re.compile(r"\btools?\b|tool[_ ](?:use|call|choice)|\bfunction", re.I)
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
    tools_refused_until: float = 0.0  # of the monotonic clock

    @property
    def takes_tools(self) -> bool:
        return monotonic() >= self.tools_refused_until

    def parameters(self, config: ModelConfig, limits: Limits) -> dict[str, Any]:
        said: dict[str, Any] = {self.tokens_field: limits.max_tokens}
        if self.takes_temperature and config.temperature is not None:
            said["temperature"] = config.temperature
        if self.takes_stream_options:
            said["stream_options"] = {"include_usage": True}
        if limits.tools:
            said["tools"] = [tool.as_dict() for tool in limits.tools]
            if not limits.may_call:
                said["tool_choice"] = "none"
        if config.extra:
            said |= json.loads(config.extra)
        return said

    def refuses_tools(self, error: BaseException | None) -> bool:
        """Whether a request with functions was refused for them; remembered for an hour.

        Ollama and vLLM answer 400, OpenRouter 404, llama.cpp 500, each with words of its own.
        """
        if not isinstance(error, openai.APIStatusError) or not _ABOUT_TOOLS.search(str(error)):
            return False
        self.tools_refused_until = monotonic() + TOOLS_REFUSED_SECONDS
        return True

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
