"""Passages that search finds for a question though they do not answer it."""

import json
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from benchmarks.reader.sets import Question, Sets
from knowledge.retrieval.embedder import LocalEmbedder
from knowledge.retrieval.models import BUNDLED

KEPT = 5  # wrong passages a question
_DENSE = 0.65  # weight of the vectors, as in the product's search


def neighbours(sets: Sets, cache: Path) -> dict[str, list[str]]:
    """For each question the first passages of its set that were not written for it.

    Ranked as the product ranks: the vectors' cosine and BM25, each as a distance from its mean.
    """
    if cache.is_file():
        kept: dict[str, list[str]] = json.loads(cache.read_text())
        return kept
    embedder = LocalEmbedder(BUNDLED)
    by_name: dict[str, list[Question]] = defaultdict(list)
    for each in sets.trained:
        by_name[each.name].append(each)
    found: dict[str, list[str]] = {}
    for asked in by_name.values():
        found.update(_of_set(asked, embedder))
    cache.write_text(json.dumps(found))
    return found


def _of_set(asked: list[Question], embedder: LocalEmbedder) -> dict[str, list[str]]:
    passages = list(dict.fromkeys(x.passage for x in asked))
    found = {}
    ranked = ranking([x.question for x in asked], passages, embedder)
    for question, best in zip(asked, ranked, strict=True):
        wrong = [passages[at] for at in best[: KEPT + 1] if passages[at] != question.passage]
        found[question.question] = wrong[:KEPT]
    return found


def ranking(questions: list[str], passages: list[str], embedder: LocalEmbedder) -> np.ndarray:
    """Places of the passages, the best first, shape (questions, passages)."""
    places = embedder.embed_passages([x[:1200] for x in passages])
    dense = _standard(embedder.embed_passages(questions) @ places.T)
    words = _standard(_bm25(questions, passages))
    return np.argsort(-(_DENSE * dense + (1 - _DENSE) * words), axis=1)


def _standard(scores: np.ndarray) -> np.ndarray:
    spread = scores.std(axis=1, keepdims=True)
    return (scores - scores.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-6)


def _bm25(questions: list[str], passages: list[str]) -> np.ndarray:
    """Scores, shape (questions, passages); k1 = 0.9, b = 0.4."""
    bags = [Counter(_words(x)) for x in passages]
    lengths = np.array([sum(x.values()) for x in bags])
    norm = 0.9 * (0.6 + 0.4 * lengths / lengths.mean())
    postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, bag in enumerate(bags):
        for word, count in bag.items():
            postings[word].append((at, count))
    scores = np.zeros((len(questions), len(passages)))
    for row, question in enumerate(questions):
        for word in set(_words(question)):
            where = postings.get(word, [])
            weight = math.log(1 + (len(bags) - len(where) + 0.5) / (len(where) + 0.5))
            for at, count in where:
                scores[row, at] += weight * count * 1.9 / (count + norm[at])
    return scores


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
