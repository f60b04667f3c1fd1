"""Who pays for calls of models that are made for no answer of a conversation."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """What the calls of a task are for; they count on this person's budgets, if on anyone's."""

    purpose: str
    user_id: int | None = None


# Set in the task that makes the calls; tasks that it begins inherit it.
paying: ContextVar[Account | None] = ContextVar("paying", default=None)
