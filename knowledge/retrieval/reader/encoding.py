"""A question and a passage as one row of ids: question, heading and passage, parted by marks."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLS, SEP = 101, 102  # of MiniLM's vocabulary: the first token, and what parts texts
MOST_QUESTION = 48  # tokens; a longer question is cut in its middle
MOST_HEADING = 16  # tokens of the heading's end, its innermost part


@dataclass(frozen=True)
class EncodedPair:
    """``ids[first:first + len(offsets)]`` are the passage's tokens, in characters ``offsets``."""

    ids: list[int]
    second: int  # where the question's part ends
    first: int
    offsets: list[tuple[int, int]]


class PairEncoder:
    """Threads may share it."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, file: Path) -> "PairEncoder":
        """Read a tokenizer.json; raises whatever the library raises on a damaged one."""
        library: Any = importlib.import_module("tokenizers")
        tokenizer = library.Tokenizer.from_file(str(file))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(tokenizer)

    def prefix(self, question: str, heading: str) -> tuple[list[int], int]:
        """Ids up to the passage, and how many of them are the question's part."""
        asked = self.ids(question)
        if len(asked) > MOST_QUESTION:
            half = MOST_QUESTION // 2
            asked = asked[:half] + asked[-half:]
        ids = [CLS, *asked, SEP]
        second = len(ids)
        above = self.ids(heading)[-MOST_HEADING:] if heading else []
        return ([*ids, *above, SEP] if above else ids), second

    def encode(self, question: str, heading: str, text: str, longest: int) -> EncodedPair:
        """One row of at most ``longest`` ids; the passage's end is cut off."""
        ids, second = self.prefix(question, heading)
        tokens = self.tokenizer.encode(text, add_special_tokens=False)
        room = longest - len(ids) - 1
        return EncodedPair([*ids, *tokens.ids[:room], SEP], second, len(ids), tokens.offsets[:room])

    def ids(self, text: str) -> list[int]:
        found: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return found
