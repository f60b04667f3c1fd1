"""Pages read for a question, by a prepared graph on onnxruntime. Imports no torch."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.retrieval.models import BUNDLED, tokenizer_file
from knowledge.retrieval.reader.choosing import Piece, choose
from knowledge.retrieval.reader.encoding import SEP, PairEncoder
from knowledge.retrieval.reader.types import Page, Reading
from knowledge.retrieval.reader.weights import Calibration, ReaderUnavailable, verified
from knowledge.retrieval.types import EmbedderUnavailable
from knowledge.retrieval.words import STOP_WORDS

# Tokens of question, heading and passage together: what one core reads in 15 ms.
LONGEST = 112
_ROWS = 4  # read in one run: rows of like length gain nothing from more
# Of hostile or very long input no more is looked at. A chunk has about a thousand characters.
_QUESTION_CHARACTERS = 2_000
_PAGE_CHARACTERS = 20_000
_SPAN_CHARACTERS = 4_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Row:
    """A page as the network sees it."""

    page: int
    ids: list[int]
    second: int  # where the question's part ends
    first: int  # where the passage begins
    pieces: list[Piece]


class Reader:
    """Threads may share it; a call is done in the caller's own thread, or ``threads`` of them."""

    def __init__(self, path: Path, threads: int = 1, longest: int = LONGEST) -> None:
        """Load the weights in a folder; raises ReaderUnavailable.

        Args:
            path: the folder of reader.onnx and reader.json, whose checksum is verified.
            threads: cores of one reading.
            longest: tokens of question and page together; the rest of a page is not read.
        """
        weights = verified(path)
        self.fingerprint = weights.fingerprint
        self._calibration = weights.calibration
        self._longest = longest
        try:
            self._encoder = PairEncoder.load(tokenizer_file(BUNDLED))
            self._session = _session(weights.graph, threads)
        except EmbedderUnavailable as error:
            raise ReaderUnavailable(str(error)) from error
        except Exception as error:  # onnxruntime's and tokenizers' own have no common class
            said = f"The reader does not load ({type(error).__name__})."
            raise ReaderUnavailable(said) from error
        self._silent = frozenset(x for word in STOP_WORDS for x in self._encoder.ids(word))

    def read(self, question: str, pages: Sequence[Page]) -> list[Reading]:
        """What each page says about the question, in the order of the pages.

        A page longer than the budget is cut around the sentences that share words with the
        question. An empty question or page is read as holding no answer.
        """
        asked = question[:_QUESTION_CHARACTERS].strip()
        readings = [Reading(0.0, (0.0,) * len(page.spans)) for page in pages]
        if not asked:
            return readings
        rows = [row for at, page in enumerate(pages) if (row := self._row(at, asked, page))]
        rows.sort(key=lambda row: (len(row.ids), row.page))
        for at in range(0, len(rows), _ROWS):
            batch = rows[at : at + _ROWS]
            judged, pointed = self._run(batch)
            for row, whole, places in zip(batch, judged, pointed, strict=True):
                count = len(pages[row.page].spans)
                readings[row.page] = _reading(row, whole, places, count, self._calibration)
        return readings

    def _row(self, number: int, question: str, page: Page) -> _Row | None:
        sentences = [self._encoder.ids(text) for text in _texts(page)]
        ids, second = self._encoder.prefix(question, page.heading[:_SPAN_CHARACTERS])
        words = [x for x in ids[1 : second - 1] if x not in self._silent]
        pieces = choose(words, sentences, self._longest - len(ids) - 1)
        if not pieces:
            return None
        passage = [x for piece in pieces for x in piece.ids]
        return _Row(number, [*ids, *passage, SEP], second, len(ids), pieces)

    def _run(self, rows: Sequence[_Row]) -> tuple[Floats, Floats]:
        """Logits of shape (n) and (n, length, 2)."""
        shape = (len(rows), max(len(row.ids) for row in rows))
        ids, mask, types = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        for at, row in enumerate(rows):
            ids[at, : len(row.ids)], mask[at, : len(row.ids)] = row.ids, 1
            types[at, row.second : len(row.ids)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        try:
            judged, pointed = self._session.run(["judged", "pointed"], given)
        except Exception as error:  # onnxruntime's own have no common class
            raise ReaderUnavailable(f"The reader failed ({type(error).__name__}).") from error
        return judged.astype(np.float64), pointed.astype(np.float64)


def _session(graph: Path, threads: int) -> Any:
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return runtime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _texts(page: Page) -> list[str]:
    """The page's sentences as they are looked at; the later ones of a huge page are empty."""
    texts: list[str] = []
    left = _PAGE_CHARACTERS
    for start, end in page.spans or ((0, len(page.text)),):
        text = page.text[max(0, start) : max(0, end)][: min(left, _SPAN_CHARACTERS)]
        left -= len(text)
        texts.append(text)
    return texts


def _reading(row: _Row, judged: float, pointed: Floats, count: int, by: Calibration) -> Reading:
    """Logits into chances; a sentence's is the page's, shared out as the pointers point."""
    passage = np.arange(row.first, row.first + sum(len(piece.ids) for piece in row.pieces))
    logits = pointed[np.concatenate(([0], passage))] / by.temperature
    chances = np.exp(logits - logits.max(axis=0))
    chances = (chances / chances.sum(axis=0)).mean(axis=1)  # of starts and ends
    nowhere, places = min(max(float(chances[0]), 1e-9), 1 - 1e-9), chances[1:]
    log_odds = by.bias + by.judged * judged + by.pointed * np.log((1 - nowhere) / nowhere)
    answerable = float(1 / (1 + np.exp(-np.clip(log_odds, -60, 60))))
    sentences = [0.0] * count
    at = 0
    for piece in row.pieces:
        held = float(places[at : at + len(piece.ids)].sum())
        at += len(piece.ids)
        if count:
            sentences[piece.number] = min(1.0, answerable * held / max(float(places.sum()), 1e-12))
    return Reading(answerable, tuple(sentences))
