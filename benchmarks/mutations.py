"""Sentences of real passages, made false in one place, or said a little differently.

Nothing here uses the product's own reading of texts: what is changed is found by plain patterns.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(
    r"(?<![\w.,/:#-])\d{1,3}(?:,\d{3})+(?![\w,.]\d)|(?<![\w.,/:#-])\d+(?:\.\d+)?(?![\w:/-]|[.,]\d)"
)
_COUNT = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|forty|fifty|sixty"
    r"|ninety)\b"
)
_COUNTS = (
    "two three four five six seven eight nine ten twelve twenty thirty forty fifty sixty ninety"
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DATE = re.compile(rf"\b(?:(\d{{1,2}}) )?({'|'.join(_MONTHS)})(?: (\d{{1,2}}))?(?:,? (\d{{4}}))?\b")
_UNIT = re.compile(
    r"(?<=\d )(days?|weeks?|months?|years?|hours?|minutes?|seconds|percent|kilometres|kilometers|"
    r"miles|metres|meters|dollars|euros|kg|km|mm|mg|ml)\b|(?<=\d)%|\$(?=\d)"
)
_UNITS = ("days", "weeks", "months", "hours", "percent", "kilometres", "dollars", "euros", "kg")
_QUOTED = re.compile(r"[\"“]([A-Za-z][^\"”\n]{8,80})[\"”]")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}(?: [A-Z][a-z]{3,})*\b")
_IDENTIFIER = re.compile(
    r"\b[A-Z]{1,4}\d{3,5}\b|\b[a-z]+_[a-z_]+[a-z]\b|(?<= )--[a-z][a-z-]+\b|\bv?\d+\.\d+\.\d+\b"
)
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|can|may|must|should|will|would|could|has been|have been)\b(?! not|n't|not)"
)
_NOT = re.compile(
    r"\b(is|are|was|were|can|may|must|should|will|would|could|do|does|did|have|has) not\b"
    r"|\bcannot\b"
)
_OPPOSITE = {
    "before": "after", "after": "before", "increased": "decreased", "more than": "less than",
    "less than": "more than", "at least": "at most", "always": "never", "allowed": "forbidden",
    "larger": "smaller", "higher": "lower", "first": "last", "with": "without", "above": "below",
    "maximum": "minimum", "minimum": "maximum", "required": "optional", "including": "excluding",
}  # fmt: skip
KINDS = ("number", "date", "unit", "quoted", "name", "identifier", "negation")


@dataclass(frozen=True)
class Mutant:
    """A sentence that its passage does not support; ``way`` is swapped, dropped or negated."""

    kind: str
    way: str
    sentence: str
    passage: str


def mutants(
    sentence: str, passage: str, names: Sequence[str], rng: random.Random
) -> Iterator[Mutant]:
    """All that can be made of one sentence: at most one a kind and way."""
    for kind, change in _SWAPS.items():
        made = change(sentence, passage, names, rng)
        if made and made != sentence:
            yield Mutant(kind, "swapped", made, passage)
    for kind, pattern in _HELD.items():
        match = pattern.search(sentence)
        if match and match.group():
            without = _without(passage, match.group())
            if without != passage:
                yield Mutant(kind, "dropped from the passage", sentence, without)
    negated = _negate(sentence)
    if negated:
        yield Mutant("negation", "negated", negated, passage)
    bare = _NOT.sub(lambda m: m.group(1) or "can", sentence, count=1)
    if bare != sentence:
        yield Mutant("negation", "dropped", bare, passage)


def _without(passage: str, words: str) -> str:
    """The passage without these words, wherever and in whatever form it has them."""
    for word in words.split():
        stem = re.escape(word[:5]) + (r"\w*" if word.isalpha() else "")
        passage = re.sub(rf"(?<!\w){stem}(?!\w)", "", passage, flags=re.IGNORECASE)
    return passage


def _negate(sentence: str) -> str:
    if re.search(r"\b(not|no|never|none|without|neither|nor)\b|n't", sentence):
        return ""
    made = _AUXILIARY.sub(r"\1 not", sentence, count=1)
    return made.replace("can not", "cannot") if made != sentence else ""


Change = Callable[[str, str, Sequence[str], random.Random], str]


def _number(sentence: str, passage: str, names: Sequence[str], rng: random.Random) -> str:
    """Another number of the same passage every other time, else a number near by."""
    match = _NUMBER.search(sentence)
    if match is None:
        return _count(sentence, rng)
    others = [n for n in _NUMBER.findall(passage) if n not in sentence]
    if others and rng.random() < 0.5:
        return sentence[: match.start()] + rng.choice(others) + sentence[match.end() :]
    digits = match.group()
    at = rng.randrange(len(digits.replace(",", "").replace(".", "")))
    places = [i for i, c in enumerate(digits) if c.isdigit()]
    old = digits[places[at]]
    new = rng.choice([c for c in "123456789" if c != old])
    made = digits[: places[at]] + new + digits[places[at] + 1 :]
    return sentence[: match.start()] + made + sentence[match.end() :]


def _count(sentence: str, rng: random.Random) -> str:
    match = _COUNT.search(sentence)
    if not match:
        return ""
    other = rng.choice([word for word in _COUNTS.split() if word != match.group()])
    return sentence[: match.start()] + other + sentence[match.end() :]


def _date(sentence: str, passage: str, names: Sequence[str], rng: random.Random) -> str:
    for match in _DATE.finditer(sentence):
        if match.group(1) or match.group(3) or match.group(4):
            other = rng.choice([month for month in _MONTHS if month != match.group(2)])
            return sentence[: match.start(2)] + other + sentence[match.end(2) :]
    return ""


def _unit(sentence: str, passage: str, names: Sequence[str], rng: random.Random) -> str:
    match = _UNIT.search(sentence)
    if not match:
        return ""
    old = match.group()
    if old == "$":
        return sentence[: match.start()] + "€" + sentence[match.end() :]
    choices = [unit for unit in _UNITS if unit.rstrip("s") != old.rstrip("s") and old != "%"]
    new = " kg" if old == "%" else rng.choice(choices)
    return sentence[: match.start()] + new + sentence[match.end() :]


def _quoted(sentence: str, passage: str, names: Sequence[str], rng: random.Random) -> str:
    match = _QUOTED.search(sentence)
    words = match.group(1).split() if match else []
    if match is None or len(words) < 3:
        return ""
    at = rng.randrange(1, len(words))
    words[at] = "marmalade" if words[at] != "marmalade" else "harbour"
    return sentence[: match.start(1)] + " ".join(words) + sentence[match.end(1) :]


def _name(sentence: str, passage: str, names: Sequence[str], rng: random.Random) -> str:
    match = _NAME.search(sentence)
    if not match:
        return ""
    others = [n for n in _NAME.findall(passage) if n not in sentence and match.group() not in n]
    if not others or rng.random() < 0.5:
        others = [name for name in names if name not in passage]
    if not others:
        return ""
    return sentence[: match.start()] + rng.choice(others) + sentence[match.end() :]


def _identifier(sentence: str, passage: str, names: Sequence[str], rng: random.Random) -> str:
    match = _IDENTIFIER.search(sentence)
    if not match:
        return ""
    old = match.group()
    if old[-1].isdigit():
        new = old[:-1] + str((int(old[-1]) + rng.randrange(1, 9)) % 10)
    else:
        new = old + rng.choice(["s_only", "_new", "ed"])
    return sentence[: match.start()] + new + sentence[match.end() :]


_SWAPS: dict[str, Change] = {
    "number": _number, "date": _date, "unit": _unit, "quoted": _quoted, "name": _name,
    "identifier": _identifier,
}  # fmt: skip
_HELD = {
    "number": _NUMBER, "quoted": _QUOTED, "name": _NAME, "identifier": _IDENTIFIER,
}  # fmt: skip

_SYNONYMS = {
    "may": "can", "must": "have to", "begin": "start", "begins": "starts", "began": "started",
    "employees": "staff", "purchase": "buy", "approximately": "about", "however": "but",
    "although": "though", "in order to": "to", "therefore": "so", "because of": "due to",
    "such as": "like", "also": "as well", "often": "frequently", "large": "big", "obtain": "get",
    "use": "make use of", "near": "close to", "many": "a lot of", "called": "named",
    "shows": "indicates", "demonstrate": "show", "several": "a number of", "while": "whereas",
    "important": "significant", "request": "ask for", "ensure": "make sure",
}  # fmt: skip
_SMALL_COUNTS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "twelve": "12", "twenty": "20", "thirty": "30", "fifty": "50",
}  # fmt: skip


def rephrased(sentence: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """(way, sentence) of ways to say the same a little differently."""
    yield "lead-in", "The documents say that " + sentence[0].lower() + sentence[1:]
    for name, change in (
        ("synonyms", _with_synonyms), ("order", _reordered), ("figures", _refigured),
        ("contracted", _contracted), ("shortened", _shortened),
    ):  # fmt: skip
        made = change(sentence)
        if made != sentence:
            yield name, made


def _with_synonyms(sentence: str) -> str:
    for word, other in _SYNONYMS.items():
        sentence = re.sub(rf"\b{word}\b", other, sentence)
    return sentence


def _reordered(sentence: str) -> str:
    """``In 1990, it was built.`` as ``It was built in 1990.``"""
    match = re.fullmatch(
        r"(In|On|After|Before|During|For|When|If|By|At|With|As) ([^,]{4,80}), ([^,]{10,160})\.",
        sentence,
    )
    if not match:
        return sentence
    return f"{match[3][0].upper()}{match[3][1:]} {match[1].lower()} {match[2]}."


def _refigured(sentence: str) -> str:
    made = re.sub(r"(\d),(\d{3})\b", r"\1 \2", sentence)
    made = re.sub(r"(\d) ?%", r"\1 percent", made)
    made = _COUNT.sub(lambda m: _SMALL_COUNTS.get(m.group(), m.group()), made)
    return re.sub(rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}}), (\d{{4}})\b", r"\2 \1 \3", made)


def _contracted(sentence: str) -> str:
    made = re.sub(
        r"\b(is|are|was|were|do|does|did|has|have|would|should|could) not\b", r"\1n't", sentence
    )
    return re.sub(r"\bcannot\b", "can't", made)


def _shortened(sentence: str) -> str:
    """Without what stands in brackets and without filling words."""
    made = re.sub(r" \([^()]*\)", "", sentence)
    return re.sub(r",? \b(however|also|thus|therefore|then|furthermore|indeed),? ", " ", made)
