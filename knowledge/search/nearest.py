"""What comes nearest to a question that no document answers, and what it lacks."""

import re

from knowledge.passages import Nearest, Passage, SearchResult

_WORD = re.compile(r"\w+(?:[-./]\w+)*")  # a code such as E-4711 is one word
_PART = re.compile(r"\w+")
_SMALL_WORDS = """
a about after all also am an and any are as at be been before between but by can could did do does
explain for from get gets give had has have he her his how i if in into is it its know let many may
me might more most much must my need no not of on or our out over please shall she should show so
some tell than that the their them then there these they this those to under up us want was we were
what when where which while who whom whose why will with would you your
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_STEM = 6  # letters that inflections of a word usually share


def nearest(result: SearchResult, query: str, *, limit: int = 3) -> list[Nearest]:
    """The documents of a search, nearest first, each with one sentence on why it is no answer.

    It reads only passages that the asker may see, so the sentences give nothing else away.
    """
    by_document: dict[int, list[Passage]] = {}
    for passage in result.passages:
        by_document.setdefault(passage.document_id, []).append(passage)
    return [_nearest(passages, query) for passages in list(by_document.values())[:limit]]


def _nearest(passages: list[Passage], query: str) -> Nearest:
    best = passages[0]
    text = " ".join([best.title, *(p.heading + " " + p.text for p in passages)]).lower()
    there = {word[:_STEM] for word in _PART.findall(text)} | set(_WORD.findall(text))
    words = {word.lower(): word for word in reversed(_WORD.findall(query))}
    asked = [words[word] for word in reversed(words) if word not in _SMALL]
    has = [word for word in asked if _is_there(word.lower(), there)]
    lacks = [word for word in asked if not _is_there(word.lower(), there)]
    return Nearest(best.document_id, best.title, best.url, _why(has, lacks, best.heading))


def _is_there(word: str, there: set[str]) -> bool:
    """A code must be there as it is, of other words the stems of all parts."""
    if any(sign.isdigit() for sign in word):
        return word in there
    return all(part[:_STEM] in there for part in _PART.findall(word))


def _why(has: list[str], lacks: list[str], heading: str) -> str:
    if has and lacks:
        return f"Mentions {_quoted(has)}, but not {_quoted(lacks)}."
    if has:
        return f"Mentions {_quoted(has)}, but says nothing that answers this."
    if heading:
        return f"The nearest section is “{heading}”."
    return "Comes nearest in meaning, but uses none of these words."


def _quoted(words: list[str]) -> str:
    return ", ".join(f"“{word}”" for word in words[:3])
