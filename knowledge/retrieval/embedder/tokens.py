"""A model's tokenizer: ids within its window, and counts without a limit. Imports no torch."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.models import recipe_of, tokenizer_file
from knowledge.retrieval.types import EmbedderUnavailable

Ids = NDArray[np.int64]
_UNLIMITED = 1 << 30
_PADS = ("[PAD]", "<pad>")


@dataclass(frozen=True)
class Tokens:
    """A tokenizer of one's own settings; threads may share it."""

    tokenizer: Any
    lowercases: bool
    specials: int  # how many tokens it adds to each text
    pad: int  # the id that fills a batch

    @classmethod
    def load(
        cls, file: Path, *, max_tokens: int = _UNLIMITED, lowercases: bool = False
    ) -> "Tokens":
        """Read a tokenizer.json; raises EmbedderUnavailable."""
        library: Any = importlib.import_module("tokenizers")
        try:
            tokenizer = library.Tokenizer.from_file(str(file))
            pad = (tokenizer.padding or {}).get("pad_id")
            tokenizer.no_padding()
            tokenizer.enable_truncation(max_tokens)
        except Exception as error:  # the library raises bare ones
            raise EmbedderUnavailable("The embedding model's tokenizer cannot be read.") from error
        if pad is None:
            known = (tokenizer.token_to_id(token) for token in _PADS)
            pad = next((each for each in known if each is not None), 0)
        return cls(tokenizer, lowercases, tokenizer.num_special_tokens_to_add(is_pair=False), pad)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, cut at the window."""
        lowered = [self._lowered(text) for text in texts]
        if len(lowered) == 1:  # a batch would wake the library's threads for it
            return [self.tokenizer.encode(lowered[0]).ids]
        encoded = self.tokenizer.encode_batch(lowered)
        return [each.ids for each in encoded]

    def count(self, text: str) -> int:
        """How many tokens a text has, the special ones included, without a limit."""
        encoded = self.tokenizer.encode(self._lowered(text))
        # What is behind the window comes as further pieces, each with special tokens again.
        rest = sum(len(piece.ids) - self.specials for piece in encoded.overflowing)
        return len(encoded.ids) + rest

    def _lowered(self, text: str) -> str:
        return text.lower() if self.lowercases else text


def padded(rows: Sequence[Sequence[int]], fill: int) -> tuple[Ids, Ids]:
    """Ids and mask of a batch, shape (n, the longest of it)."""
    longest = max(len(row) for row in rows)
    ids = np.full((len(rows), longest), fill, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask


def count_tokens_fast(model: str) -> Callable[[str], int]:
    """The token counter of a local model; raises EmbedderUnavailable. Threads may share it."""
    recipe = recipe_of(model)
    return Tokens.load(tokenizer_file(model), lowercases=recipe.lowercases).count
