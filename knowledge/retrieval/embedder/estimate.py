"""How many tokens a text has at most, for models whose tokenizer is not on this machine."""

import re

SPECIAL_TOKENS = 2  # at the begin and the end
# Vocabularies split plain words into pieces of three to six letters, numbers into pieces of one
# to three digits. Two characters for a piece is what names, codes and compounds come to at worst.
_PIECE = re.compile(r"[a-z]+|[A-Z]+|\d+|[^\x00-\x7f]|[^\sa-zA-Z\d]")
_LETTERS = 4  # in a piece of a word, on the safe side of what is usual (4)


def estimate_tokens(text: str) -> int:
    """An upper estimate of the tokens of a text, special tokens included, without truncation."""
    return SPECIAL_TOKENS + sum(_cost(each.group()) for each in _PIECE.finditer(text))


def cut(text: str, most: int) -> str:
    """The longest beginning of a text that is estimated at no more than ``most`` tokens."""
    left = most - SPECIAL_TOKENS
    for each in _PIECE.finditer(text):
        left -= _cost(each.group())
        if left < 0:
            return text[: each.start()]
    return text


def _cost(piece: str) -> int:
    if piece.isascii():
        if piece.isdigit():
            return len(piece)
        # Capitals are rare in vocabularies, so codes and shouted words fall apart further.
        return -(-len(piece) // (2 if piece.isupper() else _LETTERS))
    # Letters of other scripts cost a token or two, signs outside of the common planes their bytes.
    return 1 if len(piece.encode("utf-8", "surrogatepass")) == 2 else 2
