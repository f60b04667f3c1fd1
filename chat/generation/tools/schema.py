"""A Python callable as a function for a model: its JSON schema, and arguments held against it.

Types are those of its hints: str, int, float, bool, a ``Literal`` of words, a list of one of them,
or one of them with ``| None``. The first paragraph of its docstring is what the model is told, and
lines under ``Args:`` say what each parameter is.
"""

import inspect
import json
import math
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from chat.generation.toolcalls import ToolSpec

LONGEST_TEXT = 2000  # code points of one argument
MOST_ITEMS = 50
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_ARGUMENT = re.compile(r"\s+(\w+)\s*:\s*(.+)")
_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class BadFunction(ValueError):
    """A callable that cannot be offered. ``problems``: a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class BadArguments(ValueError):
    """Arguments that do not fit; the message says what, in words for the model."""


@dataclass(frozen=True)
class Function:
    """A callable as it is offered. ``given`` names parameters that we fill and no model sees."""

    spec: ToolSpec
    call: Callable[..., Any]
    returns: Any = None
    given: Mapping[str, Any] = field(default_factory=dict, hash=False)  # name: its type

    def arguments(self, said: str) -> dict[str, Any]:
        """What a model wrote, as the callable takes it.

        Raises:
            BadArguments: it is no JSON, or does not fit the schema.
        """
        return checked(said, self.spec.parameters)


def function_of(call: Callable[..., Any], given: tuple[type, ...] = ()) -> Function:
    """Derive a function from a callable; parameters of the types ``given`` are not offered.

    Raises:
        BadFunction: with everything that is wrong with it.
    """
    name = getattr(call, "__name__", "")
    problems = [] if _NAME.match(name) else ["needs a name of letters, digits and underscores."]
    if inspect.iscoroutinefunction(call) or inspect.isgeneratorfunction(call):
        problems.append("must be a plain function, neither async nor a generator.")
    about, arguments = _told(call)
    if not about:
        problems.append("needs a docstring that says what it does.")
    hints = _hints(call, problems)
    properties: dict[str, Any] = {}
    required: list[str] = []
    filled: dict[str, Any] = {}
    for parameter in inspect.signature(call).parameters.values():
        hint = hints.get(parameter.name)
        if hint in given:
            filled[parameter.name] = hint
            continue
        wrong = _wrong(parameter, hint)
        if wrong:
            problems.append(wrong)
            continue
        described = arguments.get(parameter.name)
        properties[parameter.name] = _property(hint, parameter, described)
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    if problems:
        raise BadFunction([f"{name or 'A function'} {problem}" for problem in problems])
    schema = {"type": "object", "properties": properties, "required": required}
    parameters = {**schema, "additionalProperties": False}
    return Function(ToolSpec(name, about, parameters), call, hints.get("return"), filled)


def _hints(call: Callable[..., Any], problems: list[str]) -> dict[str, Any]:
    try:
        return get_type_hints(call)
    except (NameError, TypeError, AttributeError) as error:
        problems.append(f"has a type hint that cannot be read ({type(error).__name__}).")
        return {}


def _wrong(parameter: inspect.Parameter, hint: Any) -> str:
    """What is wrong with a parameter, as the end of a sentence."""
    name = parameter.name
    if parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return f"takes *{name}; each parameter must be named."
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        return f"takes {name} by position alone; it must be possible to name it."
    if hint is None:
        return f"has no type hint for {name}."
    if _type(hint) is None:
        return (
            f"has a type for {name} that cannot be offered. Use str, int, float, bool, a Literal "
            "of words, or a list of one of them."
        )
    return ""


def _property(hint: Any, parameter: inspect.Parameter, described: str | None) -> dict[str, Any]:
    made = dict(_type(hint) or {})
    if described:
        made["description"] = described
    if parameter.default not in {inspect.Parameter.empty, None, ""}:
        made["default"] = parameter.default
    return made


def _type(hint: Any) -> dict[str, Any] | None:
    """The JSON schema of a type; None for one that has none here."""
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    inner = get_args(hint)
    if get_origin(hint) in {Union, types.UnionType}:
        some = [one for one in inner if one is not type(None)]
        return _type(some[0]) if len(some) == 1 else None
    if get_origin(hint) is Literal and all(isinstance(one, str) for one in inner):
        return {"type": "string", "enum": list(inner)}
    if get_origin(hint) is list and len(inner) == 1 and get_origin(inner[0]) is not list:
        items = _type(inner[0])
        return {"type": "array", "items": items} if items else None
    return None


def _told(call: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The first paragraph of a docstring, and its lines about parameters."""
    words = inspect.getdoc(call) or ""
    about = words.partition("\n\n")[0]
    _, _, listed = f"\n{words}".partition("\nArgs:")
    arguments: dict[str, str] = {}
    last = ""
    for line in listed.split("\n")[1:]:
        if not line.strip() or not line[0].isspace():
            break
        found = _ARGUMENT.match(line)
        if found:
            last = found.group(1)
            arguments[last] = found.group(2).strip()
        elif last:
            arguments[last] += f" {line.strip()}"
    return " ".join(about.split()), arguments


def checked(said: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as values of the schema's types.

    Raises:
        BadArguments: with a sentence on what to do.
    """
    try:
        given = json.loads(said) if said.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadArguments("The arguments are no JSON object.") from error
    if not isinstance(given, dict):
        raise BadArguments("The arguments are no JSON object.")
    properties: Mapping[str, Any] = schema["properties"]
    unknown = sorted(set(given) - set(properties))
    if unknown:
        named = ", ".join(one[:40] for one in unknown[:5])
        known = ", ".join(properties) or "none"
        raise BadArguments(f"Unknown: {named}. The parameters are: {known}.")
    given = {name: value for name, value in given.items() if value is not None}
    missing = [name for name in schema["required"] if name not in given]
    if missing:
        raise BadArguments(f"Missing: {', '.join(missing)}.")
    return {name: _value(name, value, properties[name]) for name, value in given.items()}


def _value(name: str, value: Any, wanted: Mapping[str, Any]) -> Any:
    kind = wanted["type"]
    read = {"string": _text, "integer": _whole, "number": _number, "boolean": _flag}.get(kind)
    if read is None:
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            raise BadArguments(f"{name} must be a list of at most {MOST_ITEMS}.")
        return [_value(name, one, wanted["items"]) for one in value]
    made = read(value)
    if made is None:
        raise BadArguments(f"{name} must be {_WORDS[kind]}.")
    if "enum" in wanted and made not in wanted["enum"]:
        raise BadArguments(f"{name} must be one of: {', '.join(wanted['enum'])}.")
    return made


_WORDS = {
    "string": f"a text of at most {LONGEST_TEXT} characters",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return None
    # What no row and no wire takes: NUL, and halves of surrogate pairs.
    return value.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def _whole(value: Any) -> int | None:
    """Models write 3 also as 3.0 and as "3"."""
    number = _number(value)
    whole = number is not None and float(number).is_integer() and abs(number) < 2**53
    return int(number) if number is not None and whole else None


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None
