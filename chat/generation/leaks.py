"""A model that recites its own rules is stopped before it has said more than a few words of them.

The rules are no secret. But an answer that recites them was dictated by somebody who tries what
the model obeys, and nobody asked the documents for it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

GRAM = 4  # words in a row that begin a suspicion; what follows is held back
RECITED = 10  # words in a row that nobody writes by chance

_WORD = re.compile(r"\w+")
_UNFINISHED = re.compile(r"\w+\Z")


@lru_cache(maxsize=8)
def _grams(rules: str) -> frozenset[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(rules)]
    return frozenset(tuple(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1))


@dataclass
class LeakWatch:
    """Tokens in with ``feed``, the same text out, but for words that recite ``rules``.

    ``recites`` is True once they do; nothing is given out from then on.
    """

    rules: str
    recites: bool = False
    _last: tuple[str, ...] = ()
    _run: int = 0  # words in a row that stand in the rules
    _held: str = ""
    _word: str = ""  # the last one, which may go on in the next token; given out already

    def feed(self, text: str) -> str:
        if self.recites:
            return ""
        seen, at = self._word + text, len(self._word)
        unfinished = _UNFINISHED.search(seen)
        self._word = unfinished.group() if unfinished else ""
        out = ""
        for found in _WORD.finditer(seen, 0, len(seen) - len(self._word)):
            self._held += seen[at : found.end()]
            at = max(at, found.end())
            if self._note(found.group().lower()):
                return out
            out += self._let_go()
        self._held += seen[at:]
        return out + self._let_go()

    def close(self) -> str:
        """What was held back, when nothing more comes."""
        return "" if self.recites or self._note(self._word.lower()) else self._held

    def _let_go(self) -> str:
        """Give out what is held, unless it goes on like the rules."""
        if self._run:
            return ""
        given, self._held = self._held, ""
        return given

    def _note(self, word: str) -> bool:
        """Take a word in; whether the rules are recited."""
        self._last = (*self._last, word)[-GRAM:]
        is_known = len(self._last) == GRAM and self._last in _grams(self.rules)
        self._run = (self._run + 1 if self._run else GRAM) if is_known else 0
        self.recites = self._run >= RECITED
        return self.recites
