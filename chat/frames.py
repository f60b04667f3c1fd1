"""Frames of the chat's socket: what comes in is read and limited, what goes out is made here."""

import json
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from rest_framework.exceptions import ValidationError

from chat.runs import Event
from core.errors import AppError, Code, Invalid, Throttled, TooLarge
from core.limits import FRAME_MAX_BYTES

BURST = 40  # frames that may come at once
PER_SECOND = 10.0  # and then in the long run


def read(text: str | None) -> dict[str, Any]:
    """A frame that came in: a JSON object with a ``type``.

    Raises:
        TooLarge: it is longer than any of ours; by then the server has it, so it is closed.
        Invalid: it is none.
    """
    if text is None:
        raise Invalid("A frame is text: a JSON object with a type.")
    if len(text) > FRAME_MAX_BYTES:
        raise TooLarge
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("This frame is not JSON.") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise Invalid("A frame is a JSON object with a type.")
    return frame


def identity(frame: dict[str, Any], name: str = "message_id") -> UUID:
    """The id that a frame names.

    Raises:
        Invalid: there is none.
    """
    try:
        return UUID(frame[name])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Invalid(fields={name: ["A message's id is needed."]}) from None


def offset(frame: dict[str, Any]) -> int:
    """``last_event_id``: how many characters of the answer the reader has.

    Raises:
        Invalid: it is no number.
    """
    given = frame.get("last_event_id", 0)
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 10:
        return int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 10**9:
        raise Invalid(fields={"last_event_id": ["A number of characters."]})
    return given


def encode(frame: dict[str, Any]) -> str:
    return json.dumps(frame, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))


def of_event(event: Event, message_id: UUID) -> dict[str, Any]:
    """An event of an answer with the names and fields that it has as a server-sent event.

    ``id`` is the event's id, and ``message_id`` says of which answer it is: one socket may read
    several.
    """
    if event.kind == "ping":
        return {"type": "ping"}
    return {"message_id": str(message_id), **event.data, "type": event.kind, "id": event.offset}


def of_error(error: AppError | ValidationError) -> dict[str, Any]:
    """An error with the code that it has by HTTP."""
    if isinstance(error, ValidationError):
        detail = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        error = Invalid(fields={name: _sentences(found) for name, found in detail.items()})
    frame: dict[str, Any] = {"type": "error", "code": error.code, "detail": error.detail}
    if error.fields:
        frame["fields"] = error.fields
        frame["detail"] = next(iter(error.fields.values()))[0]
    if isinstance(error, Throttled):
        frame["retry_after"] = error.wait_seconds
    return frame


def _sentences(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [sentence for inner in found.values() for sentence in _sentences(inner)]
    return [str(one) for one in found]


def unexpected() -> dict[str, Any]:
    """What is told of an error of ours."""
    detail = "Something went wrong. Try again."
    return {"type": "error", "code": Code.GENERATION_FAILED, "detail": detail}


@dataclass
class Allowance:
    """A bucket of frames that fills by time: a socket cannot keep the database busy."""

    left: float = BURST
    at: float = field(default_factory=monotonic)

    def take(self) -> bool:
        """Use one, if there is one."""
        now = monotonic()
        self.left = min(BURST, self.left + (now - self.at) * PER_SECOND)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
