"""Greetings, thanks, farewells and questions about the assistant itself, known by small lists.

A message is small talk only where nothing else is left of it: "hello" is, "hello, who approves
travel?" is a question. Words that carry no news ("there", "please", "so much") may stand anywhere.
"""

import re
import unicodedata
from enum import StrEnum
from pathlib import Path

_LONGEST = 160  # characters: whoever writes more has something to ask


class Talk(StrEnum):
    """What somebody says who asks nothing of the documents."""

    GREETING = "greeting"
    THANKS = "thanks"
    FAREWELL = "farewell"
    ABILITIES = "abilities"  # what can you do?
    IDENTITY = "identity"  # who are you, are you a robot?


def _lists() -> dict[str, list[str]]:
    """The sections of the list beside this file, each a list of patterns."""
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "smalltalk.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1].isalpha():
            section = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            section.append(line)
    return found


def _patterns() -> dict[Talk, re.Pattern[str]]:
    lists = _lists()
    made = {}
    for talk in Talk:
        lines = "|".join(f"(?:{line})" for line in lists[talk])
        for name in ("ask", "helps"):
            lines = lines.replace(name.upper(), lists[name][0])
        made[talk] = re.compile(rf"(?:{lines})(?= |$)")
    return made


_PATTERNS = _patterns()
_FILLERS = re.compile(rf"(?:{_lists()['filler'][0]})(?= |$)")
_KEPT = re.compile(r"[^\w\s]|_")
_NODS = frozenset("👍👌👏🙏❤♥😀😃😄😊🙂🎉💯✅✔")
_REPEATED = re.compile(r"(.)\1{2,}")
# What is asked weighs more than a greeting before it, and thanks more than "ok".
_WEIGHT = (Talk.ABILITIES, Talk.IDENTITY, Talk.FAREWELL, Talk.THANKS, Talk.GREETING)


def talk_of(message: str, name: str = "") -> Talk | None:
    """What kind of small talk a message is; None for anything else.

    Args:
        message: as it was typed.
        name: what the assistant is called here, which may be spoken to.
    """
    if len(message) > _LONGEST:
        return None
    said, called = _plain(message), _plain(name)
    if not said and message.strip():  # "?", "👍": nothing that could be looked for
        return Talk.THANKS if _NODS.intersection(message) else Talk.ABILITIES
    if called and said == called:
        return Talk.GREETING
    if called:
        said = " ".join(said.replace(called, " ").split())
    found: set[Talk] = set()
    rest = said
    while rest:
        end, talk = _next(rest)
        if not end:
            return None
        if talk is not None:
            found.add(talk)
        rest = rest[end:].lstrip()
    return next((talk for talk in _WEIGHT if talk in found), None)


def _next(rest: str) -> tuple[int, Talk | None]:
    """The longest piece of small talk, or a filler, at the beginning; 0 where there is none."""
    best: tuple[int, Talk | None] = (0, None)
    for talk, pattern in _PATTERNS.items():
        match = pattern.match(rest)
        if match is not None and match.end() > best[0]:
            best = (match.end(), talk)
    filler = _FILLERS.match(rest)
    if filler is not None and filler.end() > best[0]:
        best = (filler.end(), None)
    return best


def _plain(text: str) -> str:
    """Small letters and single blanks, without signs and pictures: "Hiii!!" is "hi"."""
    unified = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    spaced = _KEPT.sub(" ", unified)
    return " ".join(_REPEATED.sub(r"\1", spaced).split())
