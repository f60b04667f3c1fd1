"""Personal data in a text, by patterns whose finds are checked: no model, the same every time.

A pattern alone would take every long number for a card. What is found is therefore checked by what
issued it: phone numbers by ``phonenumbers``, cards by their digit of Luhn, IBAN and national
numbers by ``python-stdnum``. A national number whose check lets one number in ten or eleven pass
counts only near a word that names it.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers
from stdnum import iban, luhn
from stdnum.exceptions import ValidationError
from stdnum.util import get_cc_module

KINDS = ("EMAIL", "PHONE", "CARD", "IBAN", "ID", "IP")
NEAR = 40  # code points before a number in which its name may stand

_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w][\w.+%'-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
_DIGITS = re.compile(r"(?<![\w.,])\d(?:[ \u00a0-]?\d){12,18}(?![\w])")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \u00a0-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])", re.I
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_NUMBER_LIKE = re.compile(r"(?<![\w])[A-Za-z]{0,6}\d[\dA-Za-z.\-/+ \u00a0]{5,24}[\dA-Za-z](?![\w])")
_PHONE_LIKE = re.compile(r"\d[\d\s().\-/\u00a0]{4,}\d")


@dataclass(frozen=True)
class Found:
    """A piece of personal data: ``text[start:end]``."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class _National:
    """A national number: its module of stdnum, its shape, and the words near which it counts."""

    country: str
    name: str
    shape: str
    words: str = ""  # empty: its check is strict enough to stand alone


# Which of stdnum's many numbers are a person's own. Shapes as people write them.
_NATIONAL = (
    _National("us", "ssn", r"\d{3}-\d{2}-\d{4}"),
    _National("us", "ssn", r"\d{3}[ -]?\d{2}[ -]?\d{4}", r"ssn|social security"),
    _National("us", "itin", r"9\d{2}-\d{2}-\d{4}", ""),
    _National("de", "idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", r"steuer|idnr|identifikation|tax"),
    _National("fr", "nir", r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}"),
    _National("es", "dni", r"\d{8}-?[A-Z]"),
    _National("es", "nie", r"[XYZ]-?\d{7}-?[A-Z]"),
    _National("it", "codicefiscale", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]"),
    _National(
        "nl", "bsn", r"\d{3}[. ]?\d{3}[. ]?\d{3}|\d{4}\.?\d{2}\.?\d{3}", r"bsn|burgerservice|sofi"
    ),
    _National("be", "nn", r"\d{2}[. ]?\d{2}[. ]?\d{2}[ -]?\d{3}[. ]?\d{2}"),
    _National("pl", "pesel", r"\d{11}", r"pesel"),
    _National("se", "personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}"),
    _National("se", "personnummer", r"\d{12}", r"person"),
    _National("no", "fodselsnummer", r"\d{6} ?\d{5}"),
    _National("dk", "cpr", r"\d{6}-\d{4}", r"cpr"),
    _National("fi", "hetu", r"\d{6}[-+A-FYXWVU]\d{3}[0-9A-Y]"),
    _National("ch", "ssn", r"756\.?\d{4}\.?\d{4}\.?\d{2}"),
    _National("at", "vnr", r"\d{4} ?\d{6}", r"sozialversicherung|svnr|vsnr|sv-nummer"),
    _National("gb", "nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", r"nhs"),
    _National("cz", "rc", r"\d{6}/\d{3,4}"),
    _National("ro", "cnp", r"[1-9]\d{12}"),
    _National("bg", "egn", r"\d{10}", r"egn|егн"),
    _National("hr", "oib", r"\d{11}", r"oib"),
    _National("ee", "ik", r"[1-6]\d{10}", r"isikukood|personal"),
    _National("br", "cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    _National("br", "cpf", r"\d{11}", r"cpf"),
    _National("ca", "sin", r"\d{3}[ -]\d{3}[ -]\d{3}|\d{9}", r"\bsin\b|social insurance|\bnas\b"),
    _National("au", "tfn", r"\d{3} ?\d{3} ?\d{2,3}", r"tfn|tax file"),
    _National("in_", "aadhaar", r"\d{4} ?\d{4} ?\d{4}", r"aadhaar|आधार|uid"),
    _National("in_", "pan", r"[A-Z]{3}[ABCFGHLJPTK][A-Z]\d{4}[A-Z]", r"\bpan\b|permanent account"),
    _National("cn", "ric", r"\d{17}[\dX]"),
    _National("kr", "rrn", r"\d{6}-[1-8]\d{6}"),
    _National("tr", "tckimlik", r"[1-9]\d{10}", r"kimlik|tckn"),
    _National("za", "idnr", r"\d{13}", r"\bid\b|identity"),
    _National("il", "idnr", r"\d{9}", r"teudat|zehut|ת\.?ז|israeli id"),
    _National("mx", "curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d"),
)


def find(text: str, *, region: str = "") -> list[Found]:
    """Personal data in reading order; where two overlap, the first of the longer.

    Args:
        text: any text; about a megabyte a second.
        region: the country whose phone numbers are known without their ``+``; empty is none.
    """
    found = [*_emails(text), *_ibans(text), *_cards(text), *_national(text), *_addresses(text)]
    found += _phones(text, region)
    return _apart(found)


def _apart(found: Sequence[Found]) -> list[Found]:
    kept: list[Found] = []
    end = 0
    order = {kind: rank for rank, kind in enumerate(("EMAIL", "IBAN", "CARD", "ID", "IP", "PHONE"))}
    for one in sorted(found, key=lambda f: (f.start, -f.end, order[f.kind])):
        if one.start >= end:
            kept.append(one)
            end = one.end
        elif one.start < end < one.end:  # never leave the tail of one that began inside another
            last = kept.pop()
            kept.append(Found(last.kind, last.start, one.end))
            end = one.end
    return kept


def _emails(text: str) -> Iterator[Found]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield Found("EMAIL", match.start(), match.end())


def _cards(text: str) -> Iterator[Found]:
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        # What circulates has 14, 15, 16 or 19 digits and begins with 2 to 6.
        is_shaped = len(digits) in {14, 15, 16, 19} and digits[0] in "23456"
        if is_shaped and len(set(digits)) > 1 and luhn.is_valid(digits):
            yield Found("CARD", match.start(), match.end())


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        end = _valid_end(match.group(), iban.is_valid)
        if end:
            yield Found("IBAN", match.start(), match.start() + end)


def _valid_end(value: str, is_valid: Callable[[str], bool]) -> int:
    """How much of it is valid: words may follow that look like more of the number."""
    ends = [len(value), *(at.start() for at in reversed(list(re.finditer(r"[ \u00a0-]", value))))]
    return next((end for end in ends if is_valid(re.sub(r"[\s-]", "", value[:end]))), 0)


def _addresses(text: str) -> Iterator[Found]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if _is_somebodys(match.group()):
                yield Found("IP", match.start(), match.end())


def _is_somebodys(value: str) -> bool:
    """Not of this machine, nor an example or a mask: those identify nobody."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    if address.version == 6 and not re.search(r"[0-9A-Fa-f]{3}", value):
        return False  # a time of day, or a name in a program
    if all(len(part) == 1 for part in value.split(".")):
        return False  # a version
    return not (address.is_loopback or address.is_unspecified or address.is_multicast) and not (
        value.startswith(("255.", "0.")) or value.count(".0") >= 2  # masks, networks and versions
    )


@lru_cache(maxsize=1)
def _shapes() -> tuple[tuple[_National, re.Pattern[str], Any], ...]:
    # Also between words of scripts without blanks.
    return tuple(
        (
            one,
            re.compile(
                rf"(?<![A-Za-z0-9.,-])(?:{one.shape})(?![A-Za-z0-9]|[.,-]\d)", re.IGNORECASE
            ),
            get_cc_module(one.country.rstrip("_"), one.name),
        )
        for one in _NATIONAL
    )


def _national(text: str) -> Iterator[Found]:
    if not _NUMBER_LIKE.search(text):
        return
    for national, shape, module in _shapes():
        for match in shape.finditer(text):
            if _is_named(text, match.start(), national.words) and _is_valid(module, match.group()):
                yield Found("ID", match.start(), match.end())


def _is_named(text: str, start: int, words: str) -> bool:
    return not words or bool(re.search(words, text[max(0, start - NEAR) : start], re.IGNORECASE))


def _is_valid(module: Any, value: str) -> bool:
    try:
        module.validate(value.strip())
    except ValidationError:
        return False
    except (ValueError, IndexError, KeyError):  # some modules meet a shape that they do not expect
        return False
    return True


def _phones(text: str, region: str) -> Iterator[Found]:
    if not _PHONE_LIKE.search(text):
        return
    matcher = phonenumbers.PhoneNumberMatcher(
        text, region or None, leniency=phonenumbers.Leniency.VALID, max_tries=10_000
    )
    for match in matcher:
        yield Found("PHONE", match.start, match.end)
