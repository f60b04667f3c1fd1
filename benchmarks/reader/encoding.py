"""Pairs as ids, with the places of their answers among the tokens."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.reader.pairs import Pair
from knowledge.retrieval.reader.encoding import PairEncoder

NEVER = -1e4  # a logit of what cannot be chosen


@dataclass(frozen=True)
class Encoded:
    """One pair; arrays of shape (length,)."""

    ids: list[int]
    second: int  # where the heading or passage begins
    pointable: np.ndarray  # may be pointed at: the first token (no answer) and the passage's
    starts: np.ndarray  # an answer starts here; the first token where there is none
    ends: np.ndarray
    is_answerable: bool


def encode(pair: Pair, encoder: PairEncoder, longest: int) -> Encoded | None:
    """None where the window cuts the answer off."""
    found = encoder.encode(pair.question, pair.heading, pair.text, longest)
    length = len(found.ids)
    pointable, starts, ends = (np.zeros(length, dtype=bool) for _ in range(3))
    pointable[0] = True
    passage = np.arange(found.first, found.first + len(found.offsets))
    pointable[passage] = True
    if pair.answers and found.offsets:
        begin, stop = (np.array(x) for x in zip(*found.offsets, strict=True))
        for a, b in pair.answers:
            inside = np.flatnonzero((begin < b) & (stop > a))
            if not inside.size:
                continue
            if pair.is_exact:
                starts[passage[inside[0]]] = ends[passage[inside[-1]]] = True
            else:
                starts[passage[inside]] = ends[passage[inside]] = True
    if pair.answers and not starts.any():
        return None
    if not pair.answers:
        starts[0] = ends[0] = True
    return Encoded(found.ids, found.second, pointable, starts, ends, bool(pair.answers))


class Synonyms:
    """Tokens changed for near ones of the embedding matrix: other words for the same question."""

    def __init__(self, embedding: Any, tokenizer: Any) -> None:
        words = [
            number for word, number in tokenizer.get_vocab().items()
            if word.isalpha() and len(word) > 2
        ]  # fmt: skip
        self.words = torch.tensor(sorted(words))
        matrix = torch.nn.functional.normalize(embedding[self.words], dim=1)
        self.near: dict[int, list[int]] = {}
        for at in range(0, len(matrix), 2048):
            values, places = (matrix[at : at + 2048] @ matrix.T).topk(4, dim=1)
            for row, (close, place) in enumerate(zip(values, places, strict=True)):
                good = self.words[place[1:][close[1:] > 0.55]].tolist()
                if good:
                    self.near[int(self.words[at + row])] = good

    def change(self, ids: list[int], end: int, share: float, rng: random.Random) -> list[int]:
        changed = list(ids)
        for at in range(1, end - 1):
            if rng.random() < share and ids[at] in self.near:
                changed[at] = rng.choice(self.near[ids[at]])
        return changed


def batch(encoded: Sequence[Encoded]) -> dict[str, torch.Tensor]:
    """Tensors of shape (n, the longest of it)."""
    longest = max(len(x.ids) for x in encoded)
    ids = np.zeros((len(encoded), longest), dtype=np.int64)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    pointable, starts, ends = (np.zeros(ids.shape, dtype=bool) for _ in range(3))
    for row, each in enumerate(encoded):
        length = len(each.ids)
        ids[row, :length], mask[row, :length] = each.ids, 1
        types[row, each.second : length] = 1
        pointable[row, :length] = each.pointable
        starts[row, :length], ends[row, :length] = each.starts, each.ends
    arrays = {
        "ids": ids, "mask": mask, "types": types, "pointable": pointable, "starts": starts,
        "ends": ends, "answerable": np.array([x.is_answerable for x in encoded], dtype=np.float32),
    }  # fmt: skip
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
