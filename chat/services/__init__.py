"""The orders of the chat: ask, stop, rate, make again, edit, rename, clear, delete and restore.

Each takes the user and touches only what is theirs; anything else is ``NotFound``.
"""

from chat.services.answers import COMMENT_CHARS, rate, stop
from chat.services.asking import Asked, ask
from chat.services.conversations import (
    TITLE_CHARS,
    UNDO_MINUTES,
    delete_session,
    rename,
    restore_session,
    start_session,
)
from chat.services.memory import clear_memory
from chat.services.owned import own_answer, own_question, own_session, own_version
from chat.services.questions import MOST_PASSAGES, Question, clean_text
from chat.services.versions import choose, edit, regenerate

__all__ = [
    "COMMENT_CHARS",
    "MOST_PASSAGES",
    "TITLE_CHARS",
    "UNDO_MINUTES",
    "Asked",
    "Question",
    "ask",
    "choose",
    "clean_text",
    "clear_memory",
    "delete_session",
    "edit",
    "own_answer",
    "own_question",
    "own_session",
    "own_version",
    "rate",
    "regenerate",
    "rename",
    "restore_session",
    "start_session",
    "stop",
]
