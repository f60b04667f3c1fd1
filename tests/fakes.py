"""Stand-ins that are deterministic and that discriminate: other input, other output."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np

_WORD = re.compile(r"\w+")
_SMALL_WORDS = """
a an and are as at be by can do does for from how i in is it may my of on or that the to was what
when where which who with you your
"""
_SMALL = frozenset(_SMALL_WORDS.split())


class BagOfWordsEmbedder:
    """Words hashed into buckets: texts that share words are near, others are not.

    It speaks the Embedder protocol and costs microseconds, so that tests of everything around
    retrieval need no model.
    """

    name = "bag-of-words"
    fingerprint = "bag-of-words@1"
    dimension = 512
    max_tokens = 256
    metric = "cosine"
    query_prefix = ""
    passage_prefix = ""
    parallel_queries = 1

    def __init__(self, fingerprint: str = "bag-of-words@1") -> None:
        self.fingerprint = fingerprint
        self.embedded: list[str] = []  # what was asked for, in order

    def count_tokens(self, text: str) -> int:
        return len(_WORD.findall(text)) + 2

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded.extend(texts)
        return np.stack([self._vector(text) for text in texts]) if texts else self._none()

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._vector(text) for text in texts]) if texts else self._none()

    def embed_query(self, text: str) -> np.ndarray:
        return self._vector(text)

    def _none(self) -> np.ndarray:
        return np.zeros((0, self.dimension), dtype=np.float32)

    def _vector(self, text: str) -> np.ndarray:
        vector = np.full(self.dimension, 1e-3, dtype=np.float32)
        for word in _WORD.findall(text.lower()):
            if word not in _SMALL:
                stem = word[:6]
                bucket = int.from_bytes(
                    hashlib.blake2b(stem.encode(), digest_size=4).digest(), "big"
                )
                vector[bucket % self.dimension] += 1.0
        return vector / np.linalg.norm(vector)
