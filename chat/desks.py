"""Where a running answer gets its threads and its models."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from chat.generation.llm import ChatModel, ModelConfig

T = TypeVar("T")


class Desk(Protocol):
    """The runtime, as answering needs it."""

    def rows(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def cpu(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def model(self, config: ModelConfig) -> ChatModel: ...
