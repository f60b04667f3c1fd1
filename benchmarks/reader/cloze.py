"""Questions made of passages by a rule: a piece of a sentence is asked for.

After Lewis et al., "Unsupervised Question Answering by Cloze Translation" (2019): the answer is
taken out of a sentence and a question word put in its place; words are dropped and turned round,
so that the question is not the sentence. They teach to look a question up in a passage, before
the few thousand real questions do.
"""

import random
import re
from dataclasses import dataclass

YEAR = re.compile(r"\b1[0-9]{3}\b|\b20[0-2][0-9]\b")
NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b|\b\d+(?:\.\d+)?%")
NAME = re.compile(
    r"\b[A-Z][\w’'-]+(?:\s+(?:of|the|de|von|and)\s+(?=[A-Z])|\s+(?=[A-Z]))?(?:[A-Z][\w’'-]+\s?){0,3}"
)
QUOTED = re.compile(r"[\"“`]([^\"”`\n]{2,60})[\"”`]")
_PLAIN = re.compile(r"\b[a-z]{4,}(?:\s[a-z]{4,}){0,2}\b")
_WORDS = {
    "year": ["when", "what year", "in what year", "since when"],
    "number": ["how many", "how much", "what number", "how long"],
    "name": ["who", "what", "which", "where", "who or what", "which one"],
    "quoted": ["what", "which term", "what name"],
    "plain": ["what", "how", "which", "what kind of", "why"],
}
_SMALL = "the a an of in on at to and or is was are were be by for with as it its"
_STOP = frozenset(_SMALL.split())


@dataclass(frozen=True)
class Piece:
    start: int
    end: int
    kind: str


def pieces(text: str, start: int, end: int) -> list[Piece]:
    """What of a sentence can be asked for: years, numbers, names, quoted and plain phrases."""
    found: list[Piece] = []
    patterns = (("year", YEAR), ("number", NUMBER), ("quoted", QUOTED), ("name", NAME))
    for kind, pattern in patterns:
        for match in pattern.finditer(text, start, end):
            group = 1 if kind == "quoted" else 0
            begin, stop = match.start(group), match.start(group) + len(match.group(group).rstrip())
            is_first_word = kind == "name" and begin == start and " " not in text[begin:stop]
            if not is_first_word and all(stop <= x.start or begin >= x.end for x in found):
                found.append(Piece(begin, stop, kind))
    return found


def phrases(text: str, start: int, end: int) -> list[Piece]:
    return [Piece(x.start(), x.end(), "plain") for x in _PLAIN.finditer(text, start, end)]


def question(text: str, sentence: tuple[int, int], piece: Piece, rng: random.Random) -> str:
    """The sentence around a piece, turned into something like a question about it."""
    before = text[sentence[0] : piece.start].split()[-rng.randint(3, 12) :]
    after = text[piece.end : sentence[1]].rstrip(" .;:").split()[: rng.randint(2, 12)]
    word = rng.choice(_WORDS[piece.kind])
    dropped = rng.choice((0.0, 0.1, 0.25, 0.4))
    before, after = (_thinned(x, dropped, rng) for x in (before, after))
    orders = ([word, *before, *after], [word, *after, *before], [*before, word, *after])
    words = rng.choice(orders[:2] if rng.random() < 0.8 else orders)
    asked = " ".join(words).strip(" ,;:")
    return asked + ("?" if rng.random() < 0.8 else "")


def _thinned(words: list[str], dropped: float, rng: random.Random) -> list[str]:
    return [x for x in words if rng.random() > (dropped * 1.5 if x.lower() in _STOP else dropped)]
