"""Text to terms, the same way for what is indexed and for what is asked.

Stemmed words; exact identifiers (``C4996``, ``no-unused-vars``, ``settings.DEBUG``); and pieces of
words for text whose words the English stemmer does not join: pairs of characters and single ones
in scripts that put no space between words, runs of four letters in other languages than English.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from unicodedata import combining

import tantivy

MAX_TERMS = 20  # of a question: more say nothing new, and term marks stay exact in a float32
MAX_PIECES = 40  # of a question, in addition
_LOOKED_AT = 10_000  # characters of a question: its terms come from the first few hundred
_LONGEST_TERM = 64
# Marks that combine with the letter before them: accents, vowel points, viramas. Tantivy's quick
# tokeniser (three times as quick as one by a pattern) takes some of them for the end of a word.
_MARKS = re.compile(f"[{''.join(c for c in map(chr, range(0x300, 0x10000)) if combining(c))}]+")
# Runs of signs that names are made of; plain English words are passed over without one, as looking
# at each of them would take longer than all the rest of indexing.
_PROMISING = re.compile(
    r"(?:[A-Z]?[a-z]++[./:@-]*+(?![a-zA-Z0-9_.:/@#+-]|[^\x00-\x7f])[ ,;()\n]*+)++|([\w.:/@#+-]++)"
)
_WORD = re.compile(r"\w+")
_SIGN = re.compile(r"[\d_.:/@#+-]|[a-z][A-Z]")
_NUMBER = re.compile(r"[\d.,:/-]+$")
_DIGIT = re.compile(r"\d")
_COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+$")
# Han, kana, Thai, Lao, Khmer, Burmese: written without spaces between words.
_UNSPACED = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_STOP_WORDS_TEXT = """
a about above after again against all also am an and any are as at be because been before being
below between both but by can could did do does doing don down during each few for from further get
got had has have having he her here hers herself him himself his how i if in into is it its itself
just let like many may me might more most much must my myself no nor not of off on once only or
other our ours ourselves out over own please same shall she should so some such tell than that the
their theirs them themselves then there these they this those through to too under until up us
very was we were what when where which while who whom whose why will with would you your yours
yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())

# What language a text is in shows in its small words: those of English that no near language has,
# and the commonest of other languages in Latin letters.
_ENGLISH_TEXT = """
and are at be been by can could did does for from have how if is it my of on or should that the
there they this to were what when where which who why will with would you your
"""
_FOREIGN_TEXT = """
ao att auf av bir bu che chi com combien comment como con cual cuando cuál cuándo cuántos czy da
das dat de degli del della den der des det di die donde dove du dónde een ein eine el en er est et
ett für gdzie haben hat het hoe hoeveel hur hvad hvordan ich il im ist için jag jak je jest kan
kiedy la las le les los ma med mit na nasıl ne nicht nie non och og op os où para per por pour
pourquoi quando quanti quanto que quel quelle quels qui quien quién sind się som sono sont su sur
te til um un una und une vad van ve viele von voor waar wann wanneer warum welche welke wer werden
wie wird wo yang zijn zu zum
"""
_ENGLISH, _FOREIGN = frozenset(_ENGLISH_TEXT.split()), frozenset(_FOREIGN_TEXT.split())
_SAMPLE = 400  # characters that say the language
_SMALL_SHARE = 0.1  # of the words; English prose has .25, German prose .03 of such words
_GRAM = 4  # letters: better than 3 and 5 on German, Spanish and Arabic questions
_ARABIC = re.compile("[\u0600-\u06ff]")
_ARABIC_MARKS = re.compile("[\u0640\u064b-\u065f\u0670]")  # stretching and vowel signs
_ARABIC_FORMS = str.maketrans("\u0623\u0625\u0622\u0671\u0649\u0629\u0624\u0626", "اااايهوي")


class View(StrEnum):
    """What a term is of a text; a compound is an identifier of two words, which proves less."""

    WORD = "word"
    EXACT = "exact"
    COMPOUND = "compound"
    PAIR = "pair"
    PIECE = "piece"


@dataclass(frozen=True)
class Term:
    """A term as it stands in the index."""

    text: str
    view: View


def analyser() -> tantivy.TextAnalyzer:
    """Unicode words, lower-cased, accents folded, English endings cut (elsewhere nearly idle)."""
    return _words_with(tantivy.Filter.stemmer("english"))


def _words_with(*last: Any) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for step in (
        tantivy.Filter.remove_long(_LONGEST_TERM),
        tantivy.Filter.lowercase(),
        tantivy.Filter.ascii_fold(),
        *last,
    ):
        builder = builder.filter(step)
    return builder.build()


def spaced_analyser() -> tantivy.TextAnalyzer:
    """For fields whose terms we made ourselves and joined by spaces."""
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


_ANALYSER = analyser()
_UNSTEMMED = _words_with()
_FOREIGN_FOLDED = frozenset(_UNSTEMMED.analyze(_FOREIGN_TEXT))


def field_texts(title: str, heading: str, text: str) -> dict[str, str]:
    """What each field of a lexical index takes of a chunk; ``exact`` and ``pairs`` are terms.

    The body repeats title and heading, so that a chunk is found by all that it is about with one
    inverse document frequency for each word (BM25 over one field beat a sum over three).
    """
    whole = folded(f"{title}\n{heading}\n{text}")
    return {
        "title": folded(title),
        "heading": folded(heading),
        "body": whole,
        "exact": " ".join(identifiers(whole)),
        "pairs": " ".join(pieces(whole)),
    }


def question_terms(question: str) -> list[Term]:
    """What carries a question, each once, at most MAX_TERMS.

    Its words without the small ones, or the small ones if it has no others; its identifiers; pairs
    of characters in place of words that have no spaces.
    """
    question = question[:_LOOKED_AT]
    exact = [Term(text, _identifier_view(text)) for text in identifiers(question)]
    pairs = [Term(text, View.PAIR) for text in character_pairs(question)]
    words = _plain_words(question)
    small = STOP_WORDS | _FOREIGN_FOLDED if is_foreign(question) else STOP_WORDS
    carrying = [word for word in words if word not in small and len(word) > 1]
    if not carrying and not pairs:
        carrying = words
    stems = _ANALYSER.analyze(" ".join(carrying))
    terms = dict.fromkeys([*exact, *(Term(text, View.WORD) for text in stems), *pairs])
    return list(terms)[:MAX_TERMS]


def search_terms(question: str) -> list[Term]:
    """The question's terms and at most MAX_PIECES pieces of its words, which find their kin."""
    question = question[:_LOOKED_AT]
    found = dict.fromkeys(Term(text, View.PIECE) for text in _single_characters(question))
    if not is_english(question):
        carrying = [word for word in _plain_words(question) if word not in _FOREIGN_FOLDED]
        runs = _letter_runs(carrying)
        found |= dict.fromkeys(Term(text, View.PIECE) for text in runs)
    return question_terms(question) + list(found)[:MAX_PIECES]


def _identifier_view(text: str) -> View:
    return View.COMPOUND if _COMPOUND.match(text) else View.EXACT


def identifiers(text: str) -> Iterator[str]:
    """Names that are more than a word, lower-cased: with a digit, sign or capital inside."""
    for run in _PROMISING.findall(text):
        part = run.rstrip("./:@-").lstrip("./:@-#+")  # empty for what was passed over
        if not 1 < len(part) <= _LONGEST_TERM or not _SIGN.search(part):
            continue
        if not (part[0].isdigit() and _NUMBER.fullmatch(part)):
            yield part.lower()


def character_pairs(text: str) -> Iterator[str]:
    """Overlapping pairs (single where alone) of characters of scripts without spaces."""
    if text.isascii():
        return
    for match in _UNSPACED.finditer(text):
        run = match.group()
        if len(run) == 1:
            yield run
        for at in range(len(run) - 1):
            yield run[at : at + 2]


def pieces(text: str) -> Iterator[str]:
    """What is indexed beside words: nothing for English, most for languages with many endings."""
    yield from character_pairs(text)
    yield from _single_characters(text)
    if is_foreign(text):
        yield from _letter_runs(_plain_words(text))


def folded(text: str) -> str:
    """Without combining marks, at which words would be cut, and with one form of Arabic letters."""
    if text.isascii():
        return text
    text = _MARKS.sub("", text)
    if not _ARABIC.search(text):
        return text
    return _ARABIC_MARKS.sub("", text).translate(_ARABIC_FORMS)


def is_english(text: str) -> bool:
    """Whether the text's beginning has small words as only English has them."""
    words = _small(text)
    return sum(map(_ENGLISH.__contains__, words)) >= _SMALL_SHARE * max(len(words), 1)


def is_foreign(text: str) -> bool:
    """Whether it is prose of another language; neither that nor English are lists and code."""
    if is_english(text):
        return False
    words = _small(text)
    marked = sum(not word.isascii() for word in words)
    return marked + sum(word in _FOREIGN for word in words) >= max(_SMALL_SHARE * len(words), 2)


def _small(text: str) -> list[str]:
    return _WORD.findall(text[:_SAMPLE].lower())


def _single_characters(text: str) -> Iterator[str]:
    if text.isascii():
        return
    for match in _UNSPACED.finditer(text):
        if len(match.group()) > 1:
            yield from match.group()


def _plain_words(text: str) -> list[str]:
    """Words without their accents, none of scripts without spaces."""
    found: list[str] = _UNSTEMMED.analyze(_UNSPACED.sub(" ", folded(text)))
    return found


def _letter_runs(words: Iterable[str]) -> Iterator[str]:
    """Overlapping runs of four letters of every word, whole words where they are shorter."""
    for word in words:
        if not _DIGIT.search(word):
            for at in range(max(len(word) - _GRAM, 0) + 1):
                yield word[at : at + _GRAM]
