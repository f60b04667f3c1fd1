"""The topics of a conversation: names and runs of telling words, and where they were said."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chat.generation.context import Turn
from chat.generation.terms import stem

_TOKEN = re.compile(r"[^\W_](?:[\w'’.&/-]*[^\W_])?|[^\w\s]")
_SENTENCE_END = frozenset(".!?;:\n")
# Words of questions that name no topic, beside the small ones.
_PLAIN_TEXT = """
a about above after again all also am an and another any anybody anyone anything anywhere are as
aside at bad be became because become been before being below best besides better between both but
by came can cannot come could day did difference different do does doing done don dont during each
either else even ever every example examples explain far few find first for found from gave get
gets getting give given go goes going good got great had happen happened happening happens has have
having he help her here hers him his how however i if important in information interesting into is
it its itself just keep kind know known last later least less let like list long look made main
make makes many may me mean means mentioned might mine more most much must my name need needed new
next no not notable now of off often ok okay on once one ones only or other others our out over own
part people please possible really reason right said same say see seem shall she should show since
so some somebody someone something somewhere sort start started still such sure take takes tell
than thank thanks that the their them then there these they thing things think this those through
time to together told too took topic try two type types under until up us use used using very want
wanted was way ways we well went were what whatever when where whether which while who whom whose
why will with within without won work worked works would year years yes yet you your
aber als am an auch auf aus bei das dass dem den der des die diese dieser dieses doch du ein eine
einen einer für gibt hat haben ich ihr ihre im in ist kann mit nach nicht noch oder sein seine sich
sie sind so und uns unter vom von vor wann warum was welche welcher welches wenn wer werden wie wir
wird wo zu zum zur
al algo como con cual cuando cuanto cuál cuándo cuánto de del desde donde dónde el ella ellos en
entre es esa ese eso esta este esto está están hay la las lo los muy más no o para pero por porque
puede que quien quién qué se ser si sin sobre son su sus también un una unos y ya
au aux avec ce ces cela cette comment dans de des donc du elle elles en est et il ils je la le les
leur leurs lui mais ne nous ont ou où par pas plus pour pourquoi qu quand que quel quelle quelles
quels qui sa sans ses si son sont sur un une vous
"""
PLAIN = frozenset(_PLAIN_TEXT.split())
_LONGEST_PHRASE = 5  # words: a longer run is a sentence without small words, not a topic
_LONGEST_TITLE = 8
_ASIDE = re.compile(r"\s*[(\[][^)\]]*[)\]]")
_ANSWER_CHARS = 600  # of an answer that are looked at: its topic stands at its beginning


@dataclass(frozen=True)
class Phrase:
    """Some words that may be what a conversation is about.

    ``place`` is ``title``, ``heading``, ``question`` or ``answer``; ``turn`` counts back from the
    latest, which is 0; ``order`` counts within its text.
    """

    text: str
    terms: tuple[str, ...]
    is_name: bool
    place: str
    turn: int
    order: int


def phrases_of(turns: Sequence[Turn]) -> list[Phrase]:
    """All topics of these turns (oldest first), the latest turn's first."""
    found: list[Phrase] = []
    for back, turn in enumerate(reversed(turns)):
        texts = [("title", title) for title in turn.titles]
        texts += [("heading", heading) for heading in turn.headings]
        texts += [("question", turn.question), ("answer", turn.answer[:_ANSWER_CHARS])]
        for place, text in texts:
            found += _phrases(text, place, back)
    return found


def _phrases(text: str, place: str, turn: int) -> Iterator[Phrase]:
    if place in {"title", "heading"}:
        whole = " ".join(_ASIDE.sub(" ", text).split())
        terms = tuple(telling(whole))
        if terms and len(terms) <= _LONGEST_TITLE:
            yield Phrase(whole, terms, is_name=True, place=place, turn=turn, order=0)
        return
    for order, (words, is_name) in enumerate(_runs(text, place)):
        yield Phrase(" ".join(words), _terms(words), is_name, place, turn, order)


def telling(text: str) -> list[str]:
    """The stems of a text's words that may name a topic, in order."""
    words = (token for token in _TOKEN.findall(text) if token[0].isalnum())
    return list(_terms(word for word in words if not is_plain(word)))


def is_plain(word: str) -> bool:
    """Whether a word names no topic."""
    folded = word.casefold().replace("’", "'").split("'")[0]
    return folded in PLAIN or (len(folded) == 1 and folded.isascii() and not folded.isdigit())


def _terms(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(stem(_bare(word.casefold())) for word in words)


def _bare(word: str) -> str:
    for ending in ("'s", "’s", "'", "’"):
        word = word.removesuffix(ending)
    return word


def _runs(text: str, place: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Runs of telling words, and whether each is a name; of an answer, names alone."""
    run: list[str] = []
    is_name = False
    starts = True  # of a sentence, whose first word is written large in any case
    for said in [*_TOKEN.findall(text), "."]:
        is_word = said[0].isalnum()
        is_large = is_word and (said[0].isupper() or said[0].isdigit()) and said != "I"
        joins = is_word and not is_plain(said)
        if run and (not joins or (is_name != is_large and place == "answer")):
            yield from _kept(run, place, is_name=is_name)
            run = []
        if joins:
            if not run:
                is_name = is_large and not starts
            elif is_large and not is_name and place != "answer":
                is_name = True
            run.append(_bare(said))
        starts = said in _SENTENCE_END or (starts and not is_word)


def _kept(run: list[str], place: str, *, is_name: bool) -> Iterator[tuple[tuple[str, ...], bool]]:
    if len(run) <= _LONGEST_PHRASE and (is_name or place != "answer"):
        yield tuple(run), is_name
