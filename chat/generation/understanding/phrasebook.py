"""What the product itself says, in the languages that it knows; English for all others.

Each language is a file ``phrases/<code>.json`` with the same keys. ``{n}`` stands for a number and
``{name}`` for what the assistant is called.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from chat.generation.understanding.smalltalk import Talk

_FOLDER = Path(__file__).parent / "phrases"
ENGLISH = "en"


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages that have phrases."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


@cache
def phrases(language: str) -> dict[str, str]:
    """All phrases of a language, by key; English ones for a language without any."""
    known = language if language in languages() else ENGLISH
    read: dict[str, str] = json.loads((_FOLDER / f"{known}.json").read_text(encoding="utf-8"))
    return read


def not_found(language: str, searched: int, unknown: Sequence[str] = ()) -> str:
    """The answer where the documents give none.

    Args:
        language: the reader's.
        searched: how many documents were looked at.
        unknown: codes of the question that stand in none of them.
    """
    if unknown:
        named = ", ".join(f"`{code}`" for code in unknown)
        return phrases(language)["not_found_code"].replace("{name}", named)
    key = {0: "not_found_none", 1: "not_found_one"}.get(searched, "not_found_many")
    return phrases(language)[key].replace("{n}", f"{searched:,}")


def part_not_found(language: str) -> str:
    """What stands under a part of a question that nothing answers."""
    return phrases(language)["part_not_found"]


def small_talk(language: str, talk: Talk, name: str, documents: int) -> str:
    """The reply to small talk.

    Args:
        language: the reader's.
        talk: what was said.
        name: what the assistant is called.
        documents: how many of them the reader may see.
    """
    key = str(talk)
    if talk is Talk.ABILITIES and not documents:
        key = "abilities_none"
    said = phrases(language)[key]
    return said.replace("{name}", name).replace("{n}", f"{documents:,}")


def tool_step(language: str, kind: str, words: str) -> str:
    """What a function is doing; ``words`` is what it looks for, where that may be told."""
    known = phrases(language)
    key = f"step_{kind}_for" if words and f"step_{kind}_for" in known else f"step_{kind}"
    return known[key].replace("{name}", words)


def notice(language: str, key: str, otherwise: str) -> str:
    """The words of a notice; ``otherwise`` where none has this key."""
    return phrases(language).get(f"notice_{key}", otherwise)
