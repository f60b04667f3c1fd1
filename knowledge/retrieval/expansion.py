"""One question in many wordings: what else somebody might have typed who wants the same.

The variations are made of the question's own words, of forms that questions and requests take, and
of lists that staff edit. They are embedded together and searched as one vector.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise, zip_longest

import numpy as np

from knowledge.retrieval.types import Vector, Vectors
from knowledge.retrieval.words import STOP_WORDS, character_pairs, is_foreign

MOST = 40  # variations: about as long to embed as two passages
_LONGEST = 300  # characters of a variation, and of the question that is looked at
_KEYWORDS = 8  # words whose combinations are made
_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_SPACE = re.compile(r"\s+")

ACTIONS = ("help with", "fix", "resolve", "troubleshoot", "guide for")
_FORMS = (
    "what is {}",
    "how to {}",
    "how do I {}",
    "where can I find {}",
    "why {}",
    "when {}",
    "who {}",
    "rules for {}",
)


@dataclass(frozen=True)
class Lists:
    """What staff have listed, all in lower case.

    ``synonyms``: a word or phrase, and what it is also called. ``domain``: a word, and the words of
    the field that it belongs to here. ``actions``: forms that are put before the keywords.
    """

    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    domain: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    actions: tuple[str, ...] = ACTIONS


def variations(question: str, lists: Lists | None = None, most: int = MOST) -> list[str]:
    """At most so many wordings, each different from the question and from each other.

    All kinds get a share of the places: one of each is taken in turn. A question of another
    language than English gets no English forms.
    """
    lists = lists or Lists()
    text = _SPACE.sub(" ", question[:_LONGEST]).strip()
    words = [word for word in _WORD.findall(text) if len(word) < _LONGEST // 4]
    if not words:
        return []
    if next(character_pairs(text), ""):
        return _each_once([_renamed(text, lists.synonyms), _windows(text)], text)[:most]
    keywords = _keywords(words)
    core = " ".join(keywords)
    kinds: list[Iterable[str]] = [
        _renamed(text, lists.synonyms),
        _in_context(text, core, lists.domain),
        _phrases(words),
        [core, *_combined(keywords)],
    ]
    if not is_foreign(text):
        kinds.append(form.format(about) for about in (core, *keywords) for form in _FORMS)
        kinds.append(f"{action} {about}" for about in (core, *keywords) for action in lists.actions)
    return _each_once(kinds, text)[:most]


def combined(vectors: Vectors, own_share: float = 0.5) -> Vector:
    """One unit vector of a question's (first) and its variations'.

    A passage's product with it is the weighted mean of its products with each of them.
    """
    own: Vector = vectors[0]
    others = vectors[1:]
    if not len(others):
        return own
    mixed = own_share * own + (1 - own_share) * others.mean(axis=0)
    length = float(np.linalg.norm(mixed))
    if not np.isfinite(length) or length < 1e-6:
        return own
    vector: Vector = (mixed / length).astype(np.float32)
    return vector


def _keywords(words: list[str]) -> list[str]:
    """The first words that carry the question, or the first of all where fewer than two do."""
    carrying = [word for word in words if word.lower() not in STOP_WORDS and len(word) > 1]
    return list(dict.fromkeys(carrying if len(carrying) > 1 else words))[:_KEYWORDS]


def _windows(text: str) -> Iterator[str]:
    """Parts of a text whose words have no spaces between them: long ones first."""
    for size in (len(text) * 3 // 4, len(text) // 2, len(text) // 3):
        if size > 1:
            yield from (text[at : at + size] for at in range(0, len(text) - size + 1, 2))


def _phrases(words: list[str]) -> Iterator[str]:
    """The longest runs of words without small ones, then pairs of neighbours."""
    run: list[str] = []
    for word in [*words, "the"]:
        if word.lower() not in STOP_WORDS:
            run.append(word)
            continue
        if len(run) > 1:
            yield " ".join(run)
        run = []
    for pair in pairwise(words):
        if not all(word.lower() in STOP_WORDS for word in pair):
            yield " ".join(pair)


def _combined(keywords: list[str]) -> Iterator[str]:
    """Keywords in their order: all but one, three, two, one."""
    for size in dict.fromkeys((len(keywords) - 1, 3, 2, 1)):
        if 0 < size < len(keywords):
            yield from (" ".join(chosen) for chosen in combinations(keywords, size))


def _renamed(text: str, synonyms: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The question with one word or phrase called something else."""
    for term, others in synonyms.items():
        named = re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
        if term and named.search(text):
            # Between the parts, so that nothing in a listed name is read as a pattern.
            yield from (other.join(named.split(text))[:_LONGEST] for other in others)


def _in_context(text: str, core: str, domain: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The keywords with words of the field that one of them belongs to."""
    for term, context in domain.items():
        if term and re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text, re.IGNORECASE):
            yield from (f"{core} {word}"[:_LONGEST] for word in context)


def _each_once(kinds: list[Iterable[str]], question: str) -> list[str]:
    seen = {"", _same(question)}
    found = []
    for turn in zip_longest(*kinds, fillvalue=""):
        for text in turn:
            if _same(text) not in seen:
                seen.add(_same(text))
                found.append(text)
    return found


def _same(text: str) -> str:
    return _SPACE.sub(" ", text).strip(" ?!.").casefold()
