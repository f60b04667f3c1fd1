"""The values of one line of a file of questions, each checked as it is read."""

from collections.abc import Collection
from typing import Any

from django.conf import settings

from evaluation.models import Question
from evaluation.quotes import MAX_QUOTE
from knowledge.services.fields import without_controls

ANSWERABLE_KEYS = {True: Question.Outcome.ANSWERED, False: Question.Outcome.NOT_FOUND}
_KNOWN = frozenset(
    {
        *("id", "question", "expected", "evidence", "answerable", "kind", "language"),
        *("history", "groups", "must_include", "status"),
    }
)
_OF_EVIDENCE = frozenset({"document", "quote", "grade", "position"})
_MOST = 50  # turns, groups, strings or pieces of evidence of one question
_LONGEST = 200  # characters of a group's name, or of a string that an answer must have


class Reader:
    """Reads fields of a JSON object; each raises ValueError with a sentence for who wrote it."""

    def __init__(self, values: dict[str, Any], known: Collection[str] = _KNOWN) -> None:
        self._values = values
        self._known = known

    def refuse_unknown(self) -> None:
        """A mistyped name would be a field that silently is not there."""
        unknown = sorted(set(self._values) - set(self._known))
        if unknown:
            raise ValueError(f"There is no field “{unknown[0][:_LONGEST]}”.")

    def text(self, name: str, *, needed: bool = False) -> str:
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"“{name}” must be a text.")
        cleaned = without_controls(value or "").strip()
        if needed and not cleaned:
            raise ValueError(f"“{name}” is missing.")
        if len(cleaned) > settings.MESSAGE_MAX_CHARS:
            raise ValueError(f"“{name}” has more than {settings.MESSAGE_MAX_CHARS} characters.")
        return cleaned

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise ValueError(f"“{name}” must be a list of texts.")
        cleaned = tuple(without_controls(one).strip() for one in values)
        if len(cleaned) > _MOST or any(not 0 < len(one) <= _LONGEST for one in cleaned):
            raise ValueError(f"“{name}” takes {_MOST} texts of 1 to {_LONGEST} characters.")
        return cleaned

    def _list(self, name: str) -> Any:
        value = self._values.get(name)
        return [] if value is None else value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ValueError(f"“{name}” must be true or false.")
        return value

    def choice(self, name: str, choices: Collection[str]) -> str:
        value = self.text(name)
        if value and value not in choices:
            raise ValueError(f"“{name}” must be one of: {', '.join(choices)}.")
        return value

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self._values.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"“{name}” must be a number from {low} to {high}.")
        return value

    def share(self, name: str) -> float | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise ValueError(f"“{name}” must be a number from 0 to 1.")
        return float(value)

    def objects(self, name: str) -> list["Reader"]:
        values = self._list(name)
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            raise ValueError(f"“{name}” must be a list of objects.")
        if len(values) > _MOST:
            raise ValueError(f"“{name}” takes at most {_MOST} objects.")
        readers = [Reader(one, _OF_EVIDENCE) for one in values]
        for reader in readers:
            reader.refuse_unknown()
        return readers

    def turns(self, name: str) -> tuple[dict[str, str], ...]:
        """The turns of a conversation before the question."""
        values = self._list(name)
        if not isinstance(values, list) or len(values) > _MOST:
            raise ValueError(f"“{name}” must be a list of at most {_MOST} turns.")
        return tuple(_turn(one, name) for one in values)

    def document(self) -> int | str:
        """A number, or the title or source of a document."""
        value = self._values.get("document")
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip():
            return value.strip()
        raise ValueError("“document” must be a document's number, title or source.")

    def quote(self) -> str:
        quote = self.text("quote")
        if len(quote) > MAX_QUOTE:
            raise ValueError(f"A quote has at most {MAX_QUOTE} characters.")
        return quote


def _turn(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or value.get("role") not in {"user", "assistant"}:
        raise ValueError(f"Each turn of “{name}” has a “role”, user or assistant, and a “text”.")
    return {"role": value["role"], "text": Reader(value).text("text", needed=True)}
