"""The encoding of bytes that do not say it and are not Unicode: a guess, from what they look like.

charset-normalizer tells the encodings of Chinese, Japanese and Korean apart. Among those with one
byte a letter it errs on short texts, so these are chosen by how odd the words look in each.
"""

import logging
import unicodedata
from collections import Counter
from functools import cache
from itertools import islice, pairwise

from charset_normalizer import from_bytes

_MULTI_BYTE = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
# In the order in which they are preferred where nothing tells them apart.
_SINGLE_BYTE = (
    "cp1252", "cp1250", "cp1251", "iso8859_2", "koi8_r", "cp1253", "cp1254", "cp1256", "cp1255",
    "cp1257",
)  # fmt: skip
_SAMPLE = 64 * 1024
_WORDS = 2000
_SCORED = 16 * 1024  # bytes of these words
# The letters beyond ASCII of languages that one text is written in.
_ALPHABETS = tuple(
    map(
        frozenset,
        (
            "äöüß", "éèêëàâçîïôûùüÿœæ", "áéíóúñü", "áàâãéêíóôõúç", "àèéìíîòóùú", "åäöæøéü",
            "áéíóúýðþæö", "éëïóöüèê", "čďěňřšťůžáéíóúý", "ľĺŕôäčďňšťžáéíóúý", "ąćęłńóśźż",
            "áéíóöőúüű", "ăâîșțşţ", "çğışöüi\u0307âîû", "čćđšž", "āčēģīķļņšūž", "ąčęėįšųūž",
            "äõöüšž",
        ),
    )
)  # fmt: skip
_OTHER_SCRIPTS = frozenset({"cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"})
_HEBREW_LAST = frozenset("ךםןףץ")  # stand at the end of a word alone
_BESIDE_WORDS = frozenset({"Pi", "Pf", "Pd", "Ps", "Pe", "Po", "Sc", "Zs", "Mn"})
_SIGNS = frozenset("°©®µªº")
_RARE = frozenset("‹›‰†‡¶")
_PLAIN = 0.1  # of oddness a word: Chinese bytes read as letters have ten times as much
_NOT_A_LETTER, _STRANGE_LETTER, _CASE, _SCRIPTS, _MARKED_PAIR = 3.0, 0.7, 1.5, 3.0, 1.0


def likely_encodings(data: bytes) -> list[str]:
    """Encodings to try in turn, the likeliest first. Never raises."""
    words = list(islice((word for word in data.split() if not word.isascii()), _WORDS))
    favourite = _favourite(data[:_SAMPLE])
    sample = b" ".join(words)[:_SCORED]
    scored = []
    for order, encoding in enumerate(_SINGLE_BYTE):
        try:
            oddness = _oddness(sample.decode(encoding))
        except ValueError:
            continue
        decides = encoding == favourite and encoding in _OTHER_SCRIPTS  # where two look alike
        scored.append((oddness, -1 if decides else order, encoding))
    single = [encoding for _, _, encoding in sorted(scored)]
    is_plain = bool(scored) and min(scored)[0] < _PLAIN * len(words)
    return single if is_plain or favourite not in _MULTI_BYTE else [favourite, *single]


def _favourite(sample: bytes) -> str:
    """What charset-normalizer takes it for; empty where it does not know."""
    logging.getLogger("charset_normalizer").setLevel(logging.ERROR)
    end = sample.rfind(b"\n")  # so that no character is cut
    whole = sample[:end] if end > 0 else sample
    best = from_bytes(whole, cp_isolation=[*_MULTI_BYTE, *_SINGLE_BYTE]).best()
    return best.encoding if best is not None else ""


def _oddness(text: str) -> float:
    """How unlikely the words are: signs within them, letters of several scripts or languages."""
    total = sum(_pair(before, after) for before, after in pairwise(text))
    marked = Counter(
        letter.lower() for letter in text if letter > "\x7f" and _script(letter) == "LATIN"
    )
    strange = min(
        sum(count for letter, count in marked.items() if letter not in alphabet)
        for alphabet in _ALPHABETS
    )
    return total + _STRANGE_LETTER * strange


def _pair(before: str, after: str) -> float:
    if before.isascii() and after.isascii():
        return 0.0
    one, other = _script(before), _script(after)
    if not one or not other:
        # A mark from beyond ASCII that stands in a word, as no punctuation does.
        odd = (before > "\x7f" and not one and other) or (after > "\x7f" and not other and one)
        return _NOT_A_LETTER if odd and not _is_punctuation(before, after) else 0.0
    if one != other:
        return _SCRIPTS
    if (before.islower() and after.isupper()) or before in _HEBREW_LAST:
        return _CASE
    if one == "LATIN" and before > "\x7f" and after > "\x7f":
        return _MARKED_PAIR
    return 0.0


def _is_punctuation(*characters: str) -> bool:
    """Quotation marks, dashes and the like stand beside letters."""
    return any(
        character in _SIGNS or unicodedata.category(character) in _BESIDE_WORDS
        for character in characters
        if character not in _RARE
    )


@cache
def _script(character: str) -> str:
    """LATIN, CYRILLIC and so on; empty for what is not a letter."""
    if not character.isalpha() or character in _SIGNS:
        return ""
    return unicodedata.name(character, "").partition(" ")[0]
