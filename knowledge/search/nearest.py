"""What comes nearest to a question that no document answers, and what it lacks."""

import re

from knowledge.passages import Nearest, Passage, SearchResult

_WORD = re.compile(r"\w+")
_SMALL_WORDS = """
a about after all am an and any are as at be been before between but by can could did do does for
from had has have he her his how i if in into is it its may me might more most much must my no not
of on or our out over shall she should so some than that the their them then there these they this
those to under up us was we were what when where which while who whom whose why will with would
you your
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
    words = list(dict.fromkeys(w for w in _WORD.findall(query.lower()) if w not in _SMALL))
    text = " ".join([best.title, *(p.heading + " " + p.text for p in passages)]).lower()
    stems = {word[:_STEM] for word in _WORD.findall(text)}
    has = [word for word in words if word[:_STEM] in stems]
    lacks = [word for word in words if word[:_STEM] not in stems]
    return Nearest(best.document_id, best.title, best.url, _why(has, lacks, best.heading))


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
