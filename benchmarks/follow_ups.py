"""Fit the weights that say which topic a follow-up leaves out.

    python -m benchmarks.follow_ups DATA/followups_canard DATA/followups_mtrag

Logistic regression by Newton's method over the features of
``chat.generation.understanding.followups`` on the first half of each set's conversations. A label
is the share of a topic's words that a person's rewriting brings in. MTRAG counts three times, as
its people ask as ours do and CANARD has five times the questions. Prints the weights to be written
into the module; ``manage.py evaluate --follow-ups`` reports on both halves.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np

from chat.generation.understanding.followups import LOOKED_AT, WEIGHTS, Features, topics_of
from chat.generation.understanding.phrases import telling
from evaluation.public.conversations import FollowUp, follow_up

TIMES = {"followups_mtrag": 3}
RIDGE = 1.0
STEPS = 60


def first_half(folder: Path) -> list[FollowUp]:
    """The questions of a set whose conversations the weights are fitted on."""
    with gzip.open(folder / "questions.jsonl.gz", "rt", encoding="utf-8") as lines:
        read = [json.loads(line) for line in lines]
    asked = [follow_up(values) for values in read if values["history"] and values["rewrite"]]
    return [one for one in asked if one.half == 0]


def rows(asked: list[FollowUp]) -> tuple[list[list[float]], list[float]]:
    """A row of features and a label for each topic that a question lacks."""
    features: list[list[float]] = []
    labels: list[float] = []
    for one in asked:
        turns = one.turns[-LOOKED_AT:]
        words = set(telling(one.question))
        missing = set(telling(one.rewrite)) - words
        of_question = Features(one.question, len(turns))
        for terms, said in topics_of(turns).items():
            new = terms - words
            if new:
                found = of_question.of(said)
                features.append([float(found[name]) for name in WEIGHTS])
                labels.append(len(new & missing) / len(new))
    return features, labels


def fit(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The weights of a ridge logistic regression with labels in 0..1."""
    weights = np.zeros(features.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-features @ weights))
        gradient = features.T @ (labels - chance) - RIDGE * weights
        curve = (features * (chance * (1 - chance))[:, None]).T @ features
        weights += np.linalg.solve(curve + RIDGE * np.eye(len(weights)), gradient)
    return weights


def main() -> None:
    features: list[list[float]] = []
    labels: list[float] = []
    for folder in map(Path, sys.argv[1:]):
        found, wanted = rows(first_half(folder))
        times = TIMES.get(folder.resolve().name, 1)
        features += found * times
        labels += wanted * times
    weights = fit(np.array(features), np.array(labels))
    for name, weight in zip(WEIGHTS, weights, strict=True):
        sys.stdout.write(f'    "{name}": {weight:.2f},\n')


if __name__ == "__main__":
    main()
