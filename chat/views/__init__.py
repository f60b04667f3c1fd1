"""The chat's pages: each works as a plain form and link, and better with script."""

from chat.views.asking import ask, feedback, retry, stop
from chat.views.conversations import home, message, said, session, turn
from chat.views.history import delete, history, rename, restore, search
from chat.views.memory import memory

__all__ = [
    "ask",
    "delete",
    "feedback",
    "history",
    "home",
    "memory",
    "message",
    "rename",
    "restore",
    "retry",
    "said",
    "search",
    "session",
    "stop",
    "turn",
]
