"""Vectors of the questions asked last, within a number of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from knowledge.retrieval.types import Vector

_ENTRY_BYTES = 250  # of an array's and a dictionary's own, about


class Remembered:
    """Vectors by question; the least recently used one goes first. Threads may share it."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, Vector] = OrderedDict()
        self.bytes = 0

    def get(self, questions: Sequence[str]) -> dict[str, Vector]:
        """Those of the questions that are known."""
        with self._lock:
            known = {each: self._vectors[each] for each in questions if each in self._vectors}
            for question in known:
                self._vectors.move_to_end(question)
            return known

    def put(self, question: str, vector: Vector) -> None:
        """Keep a copy, which nobody may write to."""
        kept = vector.copy()
        kept.setflags(write=False)
        with self._lock:
            if question not in self._vectors:
                self.bytes += _size(question, kept)
            self._vectors[question] = kept
            self._vectors.move_to_end(question)
            while self.bytes > self._most:
                self.bytes -= _size(*self._vectors.popitem(last=False))

    def __len__(self) -> int:
        return len(self._vectors)


def _size(question: str, vector: Vector) -> int:
    return int(vector.nbytes) + 4 * len(question) + _ENTRY_BYTES
