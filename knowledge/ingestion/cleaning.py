"""What no reader sees is taken out of a text, and its lines are made alike.

No pattern here has nested quantifiers: each is linear in a megabyte of one character.
"""

import re

# Zero-width characters, soft hyphen, bidi marks and isolates, invisible operators, variation and
# Unicode tag characters: they hide instructions from people, or words from a search. Joiners of
# scripts that need them (U+200C and U+200D in Persian, Hindi, emoji) stay between letters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
_STRAY_JOINER = re.compile("(?<![^\x00-\u05ff])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u05ff])")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_MANY_BLANK = re.compile(r"\n{4,}")


def clean(text: str) -> str:
    """Text without invisible characters, with ``\\n`` lines and no blanks at their ends."""
    lines = _LINE_ENDS.sub("\n", text).split("\n")
    kept = "\n".join(line.rstrip(" \t\u00a0") for line in lines)
    return _MANY_BLANK.sub("\n\n\n", strip_invisible(kept)).strip("\n")


def strip_invisible(text: str) -> str:
    """Text without controls (newline and tab stay), zero-width, bidi and tag characters."""
    return _CONTROLS.sub("", _STRAY_JOINER.sub("", _INVISIBLE.sub("", text)))
