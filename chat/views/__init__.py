"""The chat's pages: each works as a plain form and link, and better with script."""

from chat.views.asking import ask, feedback, stop
from chat.views.conversations import home, message, said, session, turn
from chat.views.history import delete, history, rename, restore, search
from chat.views.memory import memory
from chat.views.versions import choose, edit, retry

__all__ = [
    "ask",
    "choose",
    "delete",
    "edit",
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
