"""A follow-up as a question of its own, from the last turns alone: no model is asked.

Each topic of the conversation (``phrases``) gets a probability that the question leaves it out, by
a logistic regression over plain features: where it was said and how often, whether it is a name,
what the question lacks. The weights were fitted by ``benchmarks/follow_ups.py`` on one half (by
conversation) of 1,567 questions of CANARD (Elgohary, Peskov and Boyd-Graber 2019) and 331 of
MTRAG (Katsis et al. 2025); a label is the share of the topic's words that a person's rewriting
brings in. ``manage.py evaluate --follow-ups`` reports on the other half.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.generation.context import Turn
from chat.generation.understanding.phrases import Phrase, phrases_of, telling

LOOKED_AT = 6  # turns: what lies further back is hardly ever what a follow-up leaves out
_MOST = 2  # topics that are brought in: a third adds more noise than meaning
_SURE = 0.4  # on the fitted half F1 is flat from .35 to .5, and fewer whole questions are touched
_GUESS = 0.12  # for a question that leans on something, where nothing is sure
_ENOUGH = 3  # telling words with which a question stands alone, where nothing in it leans
_FEW = 2
_BARE = 3  # words: "For contractors?" is too little to be asked by itself
LONGEST = 1000  # characters of a question that is made: longer ones carry enough by themselves

WEIGHTS = {
    "always": -4.13,
    "is cited title": 2.52,
    "is heading cited last": -0.28,
    "in last question": 0.74,
    "in question before": 0.07,
    "in first question": 0.98,
    "in last answer": 0.77,
    "in answer before": 0.50,
    "is name": 1.41,
    "turns that say it": 0.65,
    "has digit": -1.14,
    "first name of last answer": 0.56,
    "person asked, cited title": 1.56,
    "it asked, in last question": 0.76,
    "it asked, in last answer": 0.73,
    "question says little": 0.42,
    "question has name, cited title": -0.69,
}

_LEANS = re.compile(
    r"\b(?:it|its|they|them|their|he|she|his|her|him|this|that|these|those|there|ones?|same|such"
    r"|else|others?|another|er|ihn|ihm|ihnen|dessen|deren|dafür|davon|damit|dazu|darüber|dabei|dort"
    r"|dieser|diese|dieses|él|ella|ellos|ellas|eso|esto|ese|esa|esos|esas|allí|il|elle|ils|elles"
    r"|ça|cela|ceci|celui|celle|ceux)\b"
    r"|[它他她]|这个|那个|这些|那些|其中|呢[？?]?\s*$|\b(?:هذا|هذه|ذلك|تلك|هناك)\b",
    re.IGNORECASE,
)
# "Is it possible", "are there any", "that the": these words stand there and point at nothing.
_EMPTY = re.compile(
    r"\b(?:is|was|are|were|will|would|can|does|did)\s+(?:it|there)\s+(?:be\s+)?(?:possible|true"
    r"|legal|necessary|safe|worth|take|cost|any|an?|some)\b"
    r"|\bthere (?:is|are|was|were|any|an?)\b|\b(?:are|is|was|were) there\b"
    r"|\bthat (?:is|are|the|an?|can|was|were|would|have|has)\b",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"^\s*(?:(?:and|but|or|so|then|also|what about|how about|what if|any|und|aber|oder|y|pero|o|et"
    r"|mais|ou|e|ma)\b|那么?|还有|وماذا|و(?=\w{3}))",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|his|her|him|hers|himself|herself)\b", re.IGNORECASE)
_IT = re.compile(r"\b(?:it|its|this|that)\b", re.IGNORECASE)
_REPLACED = re.compile(r"\b(?:(he|she|they|it|him|them)|(his|their|its|her))\b", re.IGNORECASE)
_WORD = re.compile(r"[\w'’-]+")


@dataclass(frozen=True)
class Standalone:
    """A question as it is searched, and the topics that were brought in (none: as it was asked)."""

    question: str
    topics: tuple[str, ...] = ()


def stands_alone(question: str, turns: Sequence[Turn]) -> bool:
    """Whether a question says by itself what it is about.

    It does where nothing in it points back and it has a name of its own or three telling words: a
    new subject is never joined with the old one.
    """
    if not turns or len(question) > LONGEST:
        return True
    return not leans(question) and (_has_name(question) or len(set(telling(question))) >= _ENOUGH)


def leans(question: str) -> bool:
    """Whether a word of it points at something said before."""
    return bool(_LEANS.search(_EMPTY.sub(" ", question)) or _OPENS.search(question))


def standalone(question: str, turns: Sequence[Turn]) -> Standalone:
    """The question with the topics that it leaves out.

    Args:
        question: as it was asked.
        turns: the conversation so far, oldest first; the last six are looked at.
    """
    if stands_alone(question, turns):
        return Standalone(question)
    looked_at = turns[-LOOKED_AT:]
    ranked = _ranked(question, looked_at)
    sure = [phrase for chance, phrase in ranked if chance >= _SURE][:_MOST]
    if sure:
        return Standalone(_joined(question, sure), tuple(phrase.text for phrase in sure))
    if not leans(question) and len(question.split()) > _BARE:
        return Standalone(question)
    guess = [phrase for chance, phrase in ranked if chance >= _GUESS and _is_said_last(phrase)][:1]
    topics = tuple(phrase.text for phrase in guess) or _last_subject(question, looked_at)
    return Standalone(with_aside(question, topics), topics)


def topics_of(turns: Sequence[Turn]) -> dict[frozenset[str], list[Phrase]]:
    """The topics of a conversation by their words: each time that one was said."""
    groups: dict[frozenset[str], list[Phrase]] = {}
    for phrase in phrases_of(turns):
        groups.setdefault(frozenset(phrase.terms), []).append(phrase)
    return groups


def _is_said_last(phrase: Phrase) -> bool:
    return phrase.turn == 0 and phrase.place in {"question", "title"}


def _ranked(question: str, turns: Sequence[Turn]) -> list[tuple[float, Phrase]]:
    """The topics that the question lacks, the likeliest first; of equal wordings the first."""
    groups = topics_of(turns)
    features = Features(question, len(turns))
    ranked = [
        (features.chance(group), group[0])
        for terms, group in groups.items()
        if terms - features.terms
    ]
    return sorted(ranked, key=lambda one: -one[0])


class Features:
    """What a topic of the conversation has to do with a question, as numbers."""

    def __init__(self, question: str, turns: int) -> None:
        self.terms = set(telling(question))
        self._has_name = _has_name(question)
        self._of_person = bool(_PERSON.search(question))
        self._of_it = bool(_IT.search(question))
        self._turns = turns

    def chance(self, said: Sequence[Phrase]) -> float:
        """How likely it is that a topic is left out; ``said``: each time it was said."""
        total = sum(WEIGHTS[name] * value for name, value in self.of(said).items())
        return 1 / (1 + math.exp(-total))

    def of(self, said: Sequence[Phrase]) -> dict[str, float]:
        """Each feature, 0..1, of a topic by all the times that it was said."""
        at = {(phrase.place, phrase.turn) for phrase in said}
        is_title = any(place == "title" for place, _ in at)
        last_question, last_answer = ("question", 0) in at, ("answer", 0) in at
        is_first = any(p.place == "answer" and p.turn == p.order == 0 for p in said)
        return {
            "always": 1.0,
            "is cited title": is_title,
            "is heading cited last": ("heading", 0) in at,
            "in last question": last_question,
            "in question before": ("question", 1) in at,
            "in first question": ("question", self._turns - 1) in at,
            "in last answer": last_answer,
            "in answer before": ("answer", 1) in at,
            "is name": any(phrase.is_name for phrase in said),
            "turns that say it": min(3, len({phrase.turn for phrase in said})) / 3,
            "has digit": any(character.isdigit() for character in said[0].text),
            "first name of last answer": is_first,
            "person asked, cited title": self._of_person and is_title,
            "it asked, in last question": self._of_it and last_question,
            "it asked, in last answer": self._of_it and last_answer,
            "question says little": len(self.terms) <= _FEW,
            "question has name, cited title": self._has_name and is_title,
        }


def _has_name(question: str) -> bool:
    """Whether a word after the first is written large, as names are in most languages."""
    words = _WORD.findall(question)[1:]
    return any(word[0].isupper() and word.split("'")[0].split("’")[0] != "I" for word in words)


def _joined(question: str, topics: Sequence[Phrase]) -> str:
    """The first topic in the place of the pronoun, if there is one; the others behind."""
    first = topics[0].text
    replaced = _REPLACED.sub(
        lambda match: f"{first}'s" if match.group(2) else first, question, count=1
    )
    rest = topics[1:] if replaced != question else topics
    return with_aside(replaced, [phrase.text for phrase in rest])


def with_aside(question: str, topics: Sequence[str]) -> str:
    """A question with its topics behind it, as a reader can read it in any language."""
    return f"{question} ({', '.join(topics)})" if topics else question


def _last_subject(question: str, turns: Sequence[Turn]) -> tuple[str, ...]:
    """The last question as a whole, for scripts whose words this module cannot tell apart."""
    last = turns[-1].question.strip()
    return (last,) if not question.isascii() and len(last) + len(question) <= LONGEST else ()
