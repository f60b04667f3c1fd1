"""Codes that a question names and that nothing which may be searched has.

An error code or a setting differs from its neighbours by a digit, and neither a vector nor a
reader sees that: "what does C2060 mean?" looks as answerable as the same about C2059. So codes are
looked up. Only what can be nothing else counts: letters with three digits or more (``LNK1108``,
``DS-2019``, ``RFC2616``), and words joined by an underscore. Such names as COVID-19, G20, 1990s or
iPhone are written in many ways, and a text may answer about them without their name.
"""

import re
from collections.abc import Sequence

from knowledge.retrieval.backends import A, SearchBackend
from knowledge.retrieval.words import Term, View, identifiers

_CODE = re.compile(r"(?P<letters>[a-z]{1,8})[-.]?(?P<digits>\d{3,}[a-z\d]{0,8})$")
_JOINED = re.compile(r"[a-z][a-z\d]*(?:_[a-z\d]+)+$")
_LOOKED_AT = 10_000  # characters of a question, as its terms are
_MOST = 5  # codes that are looked up
_ROWS = 20  # the best rows by a code's words: one of them has it, if any has


def codes(question: str) -> list[str]:
    """The codes that a question names, as it writes them, each once."""
    shown: dict[str, str] = {}
    for run in re.findall(r"[\w.:/@#+-]+", question[:_LOOKED_AT]):
        for name in identifiers(run):
            if _CODE.match(name) or _JOINED.match(name):
                at = run.lower().find(name)
                shown.setdefault(name, run[at : at + len(name)])
    return list(shown.values())[:_MOST]


def unknown_codes(question: str, index: SearchBackend[A], allowed: A) -> tuple[str, ...]:
    """The codes of a question where none of them stands in any allowed row.

    Where one of several is known there is something to answer, and nothing is returned.
    """
    named = codes(question)
    if any(_is_known(code.lower(), index, allowed) for code in named):
        return ()
    return tuple(named)


def _is_known(code: str, index: SearchBackend[A], allowed: A) -> bool:
    return any(_stand_together(terms, index, allowed) for terms in _forms(code))


def _forms(code: str) -> list[list[Term]]:
    """The code as it is, in one piece, and as words beside each other ("DS 2019")."""
    forms = [[Term(code, View.EXACT)]]
    match = _CODE.match(code)
    if match:
        joined = match["letters"] + match["digits"]
        if joined != code:
            forms.append([Term(joined, View.EXACT)])
        forms.append([Term(match["letters"], View.WORD), Term(match["digits"], View.WORD)])
        forms.append([Term(f"{match['letters']}-{match['digits']}", View.EXACT)])
    return forms


def _stand_together(terms: Sequence[Term], index: SearchBackend[A], allowed: A) -> bool:
    hits = index.lexical(" ".join(term.text for term in terms), allowed, _ROWS)
    found = index.matches(terms, [hit.row for hit in hits])
    return any(len(has) == len(terms) for has in found.values())
