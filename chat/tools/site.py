"""Functions of a site: named in ``CHAT_TOOLS``, read once, checked at the start.

    from chat.tools import WebPage

    def search_the_web(query: str) -> list[WebPage]:
        \"\"\"Search the web for what no document has.

        Args:
            query: a few words to search for.
        \"\"\"

A parameter of the type ``Asker`` is filled with who asks and is not offered to the model.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, get_args

from django.conf import settings

from chat.generation.tools.schema import BadFunction, Function, function_of

logger = logging.getLogger(__name__)

MOST_PAGES = 10  # of the web that one call gives
LONGEST_PAGE = 3000  # code points of one; a snippet has some hundred
FROM_WEB = "From the web, not from the documents:\n\n"
LONGEST_RESULT = 12_000  # code points of any result; the window of the model may take less


@dataclass(frozen=True)
class Asker:
    """Who asks, for a function that must know what they may see."""

    user_id: int
    groups: frozenset[str]  # names
    is_visitor: bool
    language: str  # a code; empty where nothing tells it


@dataclass(frozen=True)
class WebPage:
    """A result from the web: it is marked so everywhere, and its answer is never shared."""

    title: str
    address: str
    text: str


@dataclass(frozen=True)
class SiteFunction:
    """A function of a site; ``is_web`` where it returns pages of the web."""

    function: Function
    is_web: bool


class BadTools(ValueError):
    """``CHAT_TOOLS`` cannot be used. ``problems``: a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def site_functions(taken: frozenset[str]) -> tuple[SiteFunction, ...]:
    """The functions of ``CHAT_TOOLS``; none where the setting cannot be used, as the check says."""
    try:
        return _loaded(tuple(settings.CHAT_TOOLS), taken)
    except BadTools:
        return ()


def problems(taken: frozenset[str]) -> list[str]:
    """What is wrong with ``CHAT_TOOLS``, a sentence each."""
    try:
        _loaded(tuple(settings.CHAT_TOOLS), taken)
    except BadTools as error:
        return error.problems
    return []


@lru_cache(maxsize=8)
def _loaded(paths: tuple[str, ...], taken: frozenset[str]) -> tuple[SiteFunction, ...]:
    found: list[SiteFunction] = []
    wrong: list[str] = []
    names = set(taken)
    for path in paths:
        try:
            function = function_of(_imported(path), given=(Asker,))
        except BadFunction as error:
            wrong += [f"{path}: {problem}" for problem in error.problems]
            continue
        if function.spec.name in names:
            wrong.append(f"{path}: the name {function.spec.name} is taken already.")
        names.add(function.spec.name)
        found.append(SiteFunction(function, _is_web(function.returns)))
    if wrong:
        raise BadTools(wrong)
    return tuple(found)


def _imported(path: str) -> Any:
    """What ``package.module:function`` names.

    Raises:
        BadFunction: there is no such function.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name.isidentifier()):
        raise BadFunction(["is not written as package.module:function."])
    try:
        found = getattr(import_module(module), name)
    except ImportError as error:
        raise BadFunction([f"cannot be imported ({error})."]) from error
    except AttributeError as error:
        raise BadFunction([f"{module} has no {name}."]) from error
    if not callable(found) or isinstance(found, type):
        raise BadFunction([f"{name} is no function."])
    return found


def _is_web(returns: Any) -> bool:
    return returns is WebPage or WebPage in get_args(returns)


def told(value: Any) -> str:
    """What a function of a site returned, as words for the model."""
    pages = pages_in(value)
    if pages:
        shown = [_page(page, number) for number, page in enumerate(pages[:MOST_PAGES], start=1)]
        return FROM_WEB + "\n\n".join(shown)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        value = "\n".join(str(one) for one in value[:MOST_PAGES])
    said = "" if value is None else str(value)
    # What no row and no wire takes: NUL, and halves of surrogate pairs.
    clean = said.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")
    return clean[:LONGEST_RESULT] or "Nothing was found."


def pages_in(value: Any) -> list[WebPage]:
    """The pages of the web in what a function returned."""
    if isinstance(value, WebPage):
        return [value]
    if isinstance(value, list | tuple) and value and all(isinstance(v, WebPage) for v in value):
        return list(value)
    return []


def _page(page: WebPage, number: int) -> str:
    return f"{number}. {page.title}\n{page.address}\n{page.text[:LONGEST_PAGE]}"
