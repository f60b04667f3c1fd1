"""Bytes to text, once and for all formats: NFC, without NUL or lone surrogates.

Every offset in the product is counted after this and after cleaning.
"""

import codecs
import re
import unicodedata

from knowledge.ingestion.charsets import likely_encodings

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, which begins alike
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 4096
_UTF16_SHARE = 0.3  # of NUL at one parity: Latin text in UTF-16 has 1.0, Chinese with markup less
_CONTROLS_SHARE = 0.02  # text has next to none; compressed bytes have about 0.1
_META_CHARSET = re.compile(rb"charset\s{0,8}=\s{0,8}[\"']?([A-Za-z0-9_.:-]{2,40})")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PRINTABLE_CONTROLS = b"\t\n\r\f\x0b\x1b"


def decode(data: bytes, declared: str = "") -> str:
    """The text of bytes, whatever their encoding; never raises.

    In order: a byte order mark, the look of UTF-16 or UTF-32, valid UTF-8, the declared charset,
    the encodings that `charsets` guesses, and Windows-1252, in which every web browser reads the
    rest.
    """
    text = _decoded(data, _candidates(data, declared))
    if text is None:
        text = _decoded(data, likely_encodings(data))
    return normalise(data.decode("cp1252", errors="replace") if text is None else text)


def normalise(text: str) -> str:
    """NFC without NUL, byte order marks and lone surrogates (PostgreSQL and JSON refuse them)."""
    clean = text.replace("\x00", "").replace("\ufeff", "")
    return unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", clean))


def html_charset(data: bytes) -> str:
    """The charset that a page declares in its first 1,024 bytes, as browsers look for it."""
    found = _META_CHARSET.search(data[:1024])
    return found.group(1).decode("ascii") if found else ""


def looks_like_text(head: bytes) -> bool:
    """Whether the first bytes of a file can be text in an encoding that `decode` knows."""
    if any(head.startswith(mark) for mark, _ in _BOMS):
        return True
    if _utf16_by_look(head) or _utf32_by_look(head):
        return True
    if b"\x00" in head:
        return False
    controls = sum(byte < 32 and byte not in _PRINTABLE_CONTROLS for byte in head)
    return controls <= _CONTROLS_SHARE * len(head)


def _decoded(data: bytes, encodings: list[str]) -> str | None:
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except (ValueError, LookupError):  # a codec's refusal, or no codec
            continue
    return None


def _candidates(data: bytes, declared: str) -> list[str]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return [encoding, "utf-16"] if encoding.startswith("utf-32") else [encoding]
    by_look = _utf32_by_look(data[:_SAMPLE]) or _utf16_by_look(data[:_SAMPLE])
    # A page may claim a charset of 16 bits, but its claim was read as ASCII: it cannot be true.
    believable = [] if "16" in declared or "32" in declared else [declared]
    return [name for name in (by_look, "utf-8", *believable) if name]


def _utf32_by_look(sample: bytes) -> str:
    """UTF-32 without a mark: of four bytes the highest is NUL and the next one nearly always."""
    quarter = len(sample) // 4
    if quarter < 2:
        return ""
    planes = [sample[place : quarter * 4 : 4].count(0) / quarter for place in range(4)]
    if planes[3] == 1 and planes[2] > 0.9 and planes[0] < 0.1:
        return "utf-32-le"
    if planes[0] == 1 and planes[1] > 0.9 and planes[3] < 0.1:
        return "utf-32-be"
    return ""


def _utf16_by_look(sample: bytes) -> str:
    """UTF-16 without a mark: NUL at one parity only. Empty where it does not look so."""
    half = len(sample) // 2
    if half < 2:
        return ""
    even = sample[0 : half * 2 : 2].count(0) / half
    odd = sample[1 : half * 2 : 2].count(0) / half
    if odd > _UTF16_SHARE and even < 0.01:
        return "utf-16-le"
    if even > _UTF16_SHARE and odd < 0.01:
        return "utf-16-be"
    return ""
