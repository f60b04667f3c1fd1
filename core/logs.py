"""Logs: one line of text in a terminal, one JSON object a line elsewhere, never anyone's words."""

import json
import logging
import logging.config
import os
import re
import sys
from datetime import UTC, datetime
from typing import Any

MAX_LINE = 8192
# uvicorn's log of addresses holds queries, which are someone's words; core.middleware has its own.
QUIET = (
    "uvicorn.access",
    "httpx",
    "httpx2",  # the openai client's own copy
    "openai",
    "faiss",
    "urllib3",
    "sentence_transformers",
    "PIL",
    "fontTools",
)


def _chatter() -> tuple[str, ...]:
    """What would drown the progress that `manage.py up` shows: two lines a task, four a server."""
    names = ("celery.worker.strategy", "celery.app.trace", "uvicorn.error")
    return names if os.environ.get("FOOTNOTE_SUPERVISED") else ()


# PostgreSQL adds the row that it refused, with somebody's words in it.
_ROWS = re.compile(
    r"^(?:DETAIL|CONTEXT|QUERY|STATEMENT|HINT): .*(?:\n(?!\s*$|  |Traceback).*)*", re.M
)


class WordlessFormatter(logging.Formatter):
    """A traceback without the row that a database refused."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's name)
        return _ROWS.sub(
            "DETAIL: left out, as it may hold someone's words", super().formatException(ei)
        )


def without_addresses(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's may be logged: one on a socket holds its address and query."""
    return not str(record.msg).startswith('%s - "WebSocket')


class JsonFormatter(WordlessFormatter):
    """One object a line: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage()[:MAX_LINE],
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)[-MAX_LINE:]
        return json.dumps(line, ensure_ascii=False)


def configure(options: dict[str, Any]) -> None:
    """Django's ``LOGGING_CONFIG``: one handler for everything, uvicorn's and Celery's included."""
    human = sys.stderr.isatty() or bool(os.environ.get("FOOTNOTE_SUPERVISED"))
    formatter = (
        {"()": WordlessFormatter, "fmt": "%(levelname).1s %(name)s: %(message)s"}
        if human
        else {"()": JsonFormatter}
    )
    through: dict[str, Any] = {"handlers": [], "propagate": True}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"default": formatter},
            "filters": {"addresses": {"()": lambda: without_addresses}},
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "formatter": "default",
                    "filters": ["addresses"],
                }
            },
            "root": {"handlers": ["stderr"], "level": options["level"]},
            "loggers": {
                **{name: {"level": "WARNING"} for name in (*QUIET, *_chatter())},
                **{
                    name: dict(through) for name in ("django", "django.server", "uvicorn", "celery")
                },
            },
        }
    )
