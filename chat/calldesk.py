"""Where a call of a model gets its threads for rows and its model."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from chat.generation.llm import ChatModel, ModelConfig

T = TypeVar("T")


class CallDesk(Protocol):
    """The runtime, as calls of models need it."""

    def rows(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def model(self, config: ModelConfig) -> ChatModel: ...
