"""The file that lists models: JSON or TOML in, configurations out.

[[models]]
name = "gpt-4o-mini"
base_url = "https://api.openai.com/v1"
key_variable = "OPENAI_API_KEY"
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chat.generation.modelconfig import PURPOSES, ModelConfig

LARGEST_FILE = 1024 * 1024  # bytes; a list of models is a page
_NAME_CHARS = 100  # as rows keep it
_RESERVED = "extractive"


class BadModels(ValueError):
    """The file cannot be used. ``problems``: one sentence each, without any key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def read_models(
    path: Path, environment: Mapping[str, str], defaults: ModelConfig
) -> tuple[ModelConfig, ...]:
    """The models of a file in its order.

    Args:
        path: a file that ends in .json or .toml.
        environment: where the keys are, by the names of their variables.
        defaults: what a model has that says nothing else.

    Raises:
        BadModels: with everything that is wrong with it.
    """
    entries = _entries(_parsed(path))
    problems: list[str] = []
    models: list[ModelConfig] = []
    for number, entry in enumerate(entries, start=1):
        reader = _Reader(number, entry, environment)
        models.append(reader.model(defaults))
        problems += reader.problems
    names = [model.name for model in models if model.name]
    problems += [
        f"The name {name} is used twice." for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    if problems:
        raise BadModels(problems)
    return tuple(models)


def _parsed(path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix not in {".json", ".toml"}:
        raise BadModels(["The file must end in .json or .toml."])
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadModels(["The file is larger than 1 MB."])
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadModels([f"The file cannot be read ({type(error).__name__})."]) from None
    try:
        if suffix == ".toml":
            return tomllib.loads(text, parse_float=Decimal)
        return json.loads(text, parse_float=Decimal)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        # Both messages name the place and quote nothing of the file.
        raise BadModels([f"The file is not {suffix[1:].upper()}: {error}."]) from None
    except RecursionError:
        raise BadModels(["The file is nested too deeply."]) from None


def _entries(parsed: Any) -> list[Any]:
    if isinstance(parsed, dict):
        unknown = sorted(set(parsed) - {"models"})
        if unknown:
            raise BadModels([f"Unknown: {', '.join(unknown)}. The list is named models."])
        parsed = parsed.get("models")
    if not isinstance(parsed, list) or not parsed:
        raise BadModels(["The file needs a list named models with at least one model."])
    return parsed


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str):
        value = Decimal(value.strip())  # InvalidOperation is an ArithmeticError
    if not _is_number(value) or not Decimal(value).is_finite():
        raise ValueError
    return Decimal(value)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError
    return value


@dataclass(frozen=True)
class _Range:
    read: Callable[[Any], Any]
    low: float
    high: float
    words: str


_SECONDS = _Range(lambda value: float(_decimal(value)), 0.1, 3600, "seconds from 0.1 to 3600")
_PRICE = _Range(_decimal, 0, 100_000, "US dollars a million tokens, from 0 to 100000")
_RANGES = {
    "window": _Range(_whole, 1024, 10_000_000, "a whole number from 1024 to 10000000"),
    "answer_tokens": _Range(_whole, 16, 32_768, "a whole number from 16 to 32768"),
    "temperature": _Range(lambda value: float(_decimal(value)), 0, 2, "a number from 0 to 2"),
    "price_in": _PRICE,
    "price_out": _PRICE,
    "connect_seconds": _SECONDS,
    "first_token_seconds": _SECONDS,
    "next_token_seconds": _SECONDS,
    "whole_seconds": _SECONDS,
    "queue_seconds": _Range(lambda v: float(_decimal(v)), 0, 300, "seconds from 0 to 300"),
    "retries": _Range(_whole, 0, 10, "a whole number from 0 to 10"),
    "at_once": _Range(_whole, 1, 10_000, "a whole number from 1 to 10000"),
}
_OURS = {"messages", "model", "stream", "stream_options"}  # not to be said twice
_OTHERS = {"name", "model", "base_url", "key_variable", "purposes", "groups", "tools", "extra"}


class _Reader:
    """One entry of the list, and what is wrong with it."""

    def __init__(self, number: int, entry: Any, environment: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._entry = entry if isinstance(entry, dict) else {}
        self._environment = environment
        name = self._entry.get("name")
        self._called = f"Model {number}" + (f" ({name})" if isinstance(name, str) else "")
        if not isinstance(entry, dict):
            self._wrong("is not a table of fields.")

    def model(self, defaults: ModelConfig) -> ModelConfig:
        for field in sorted(set(self._entry) - set(_RANGES) - _OTHERS):
            self._wrong(f"has an unknown field {field}.")
        numbers = {field: self._number(field) for field in _RANGES if field in self._entry}
        inherited = {field: getattr(defaults, field) for field in _RANGES if field not in numbers}
        return ModelConfig(
            name=self._name(),
            model=self._text("model"),
            api_key=self._key(),
            base_url=self._address(),
            purposes=self._words("purposes", PURPOSES) or frozenset(PURPOSES),
            groups=self._words("groups", None),
            tools=self._flag("tools", otherwise=defaults.tools),
            extra=self._extra(),
            **{**inherited, **numbers},
        )

    def _wrong(self, words: str) -> None:
        self.problems.append(f"{self._called} {words}")

    def _name(self) -> str:
        name = self._text("name")
        if not name or len(name) > _NAME_CHARS or not name.isprintable():
            self._wrong(f"needs a name of at most {_NAME_CHARS} characters.")
        if name == _RESERVED:
            self._wrong("may not be named extractive, which means answers without a model.")
        return name

    def _text(self, field: str) -> str:
        value = self._entry.get(field, "")
        if isinstance(value, str):
            return value.strip()
        self._wrong(f"has a {field} that is not a text.")
        return ""

    def _address(self) -> str:
        address = self._text("base_url")
        parts = urlsplit(address)
        if address and (parts.scheme not in {"http", "https"} or not parts.hostname):
            self._wrong("has a base_url that does not begin with http:// or https://.")
        return address

    def _key(self) -> str:
        variable = self._text("key_variable")
        key = self._environment.get(variable, "").strip() if variable else ""
        if variable and not key:
            self._wrong(f"takes its key from {variable}, which is not set.")
        return key

    def _flag(self, field: str, *, otherwise: bool) -> bool:
        value = self._entry.get(field, otherwise)
        if not isinstance(value, bool):
            self._wrong(f"has {field} that is neither true nor false.")
        return bool(value)

    def _extra(self) -> str:
        value = self._entry.get("extra", {})
        taken = sorted(set(value) & _OURS) if isinstance(value, dict) else []
        if not isinstance(value, dict) or taken:
            self._wrong(f"has extra that is not a table of further fields {' '.join(taken)}.")
            return ""
        try:
            return json.dumps(value, sort_keys=True, default=float) if value else ""
        except (TypeError, ValueError):  # a date of TOML
            self._wrong("has extra with a value that JSON does not know.")
            return ""

    def _words(self, field: str, known: tuple[str, ...] | None) -> frozenset[str]:
        value = self._entry.get(field, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self._wrong(f"has {field} that are not a list of words.")
            return frozenset()
        unknown = sorted(set(value) - set(known or value))
        if unknown:
            self._wrong(
                f"has unknown {field} {', '.join(unknown)}. Known are {', '.join(known or ())}."
            )
        return frozenset(value)

    def _number(self, field: str) -> Any:
        limits = _RANGES[field]
        try:
            value = limits.read(self._entry[field])
        except (ValueError, ArithmeticError, OverflowError):
            value = None
        if value is None or not limits.low <= value <= limits.high:
            self._wrong(f"has a {field} that is not {limits.words}.")
            return 0
        return value
