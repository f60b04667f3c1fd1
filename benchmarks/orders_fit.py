"""Fit and measure the detector of texts that give orders to an assistant.

    python -m benchmarks.orders_fit DATA            measure the weights that are there
    python -m benchmarks.orders_fit DATA --write    fit them anew first

DATA is the folder of the public sets: ``injection/texts.jsonl.gz`` (attacks, and harmless texts
that look alike) and, for harmless messages and documents, ``*/questions.jsonl.gz`` and
``*/documents.jsonl.gz``. Texts whose hash is even are fitted on, the others are reported on; no
text is in both.
"""

import argparse
import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.orders import detector
from knowledge.orders.patterns import FAMILIES, WEAK

RIDGE = 1.0  # some families occur in a handful of texts
# What a manner is worth before any text was seen: two of them, and an order, are enough.
BELIEF = 1.5
MESSAGE_ALARMS = 0.01  # of harmless messages that may be flagged, where the weights are fitted
DOCUMENT_ALARMS = 0.0005  # of the sentences of documents
QUESTION_SETS = ("squad2", "faq_quebec", "mtrag", "offtopic_clinc", "handbook_tts", "scifact")
DOCUMENT_SETS = ("handbook_tts", "mtrag", "squad2", "faq_quebec", "scifact")
MOST = 1500  # texts taken of each set


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def is_fitted_on(text: str) -> bool:
    return hashlib.sha256(" ".join(text.lower().split()).encode()).digest()[0] % 2 == 0


def texts(data: Path) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """Attacks and their look-alikes, harmless questions, and sentences of harmless documents."""
    attacks = list(lines(data / "injection" / "texts.jsonl.gz"))
    questions: list[str] = []
    sentences: list[str] = []
    for name in QUESTION_SETS:
        path = data / name / "questions.jsonl.gz"
        if path.exists():
            questions += [row["question"] for row, _ in zip(lines(path), range(MOST), strict=False)]
    for name in DOCUMENT_SETS:
        path = data / name / "documents.jsonl.gz"
        if path.exists():
            rows = [row["text"] for row, _ in zip(lines(path), range(MOST), strict=False)]
            sentences += [text[a:b] for text in rows for a, b in detector.pieces(text)]
    return attacks, questions, sentences


def features(texts: Sequence[str]) -> np.ndarray:
    names = list(FAMILIES)
    rows = np.zeros((len(texts), len(names)))
    for at, text in enumerate(texts):
        for name in detector.families_of(text):
            rows[at, names.index(name)] = 1.0
    return rows


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Logistic regression by Newton's method, drawn to ``BELIEF`` by a ridge."""
    rows = np.hstack([np.ones((len(x), 1)), x])
    ridge = np.diag([0.0, *[RIDGE] * x.shape[1]])
    belief = np.array([0.0, *(0.0 if name in WEAK else BELIEF for name in FAMILIES)])
    beta = belief.copy()
    for _ in range(50):
        p = 1 / (1 + np.exp(-rows @ beta))
        gradient = rows.T @ (weight * (p - y)) + ridge @ (beta - belief)
        hessian = rows.T @ (rows * (weight * p * (1 - p))[:, None]) + ridge
        step = np.linalg.solve(hessian + 1e-9 * np.eye(len(beta)), gradient)
        beta -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[0]), beta[1:]


def scores(texts: Sequence[str]) -> np.ndarray:
    return np.array([detector.score(text)[0] for text in texts])


def write(attacks: list[dict[str, Any]], questions: list[str], sentences: list[str]) -> None:
    own = [row for row in attacks if is_fitted_on(row["text"])]
    plain = [text for text in questions if is_fitted_on(text)]
    said = [text for text in sentences if is_fitted_on(text)]
    x = features([row["text"] for row in own] + plain)
    y = np.array([row["label"] == "injection" for row in own] + [False] * len(plain), dtype=float)
    # All harmless questions together weigh as much as the look-alikes, of which there are few.
    alike = max(1, sum(row["label"] == "benign" for row in own))
    weight = np.array([1.0] * len(own) + [alike / max(1, len(plain))] * len(plain))
    bias, beta = fit(x, y, weight)
    stored = {
        "about": "Fitted by benchmarks/orders_fit.py: logistic regression, ridge "
        f"{RIDGE:g}, on {len(own)} texts of the injection set and {len(plain)} harmless questions.",
        "sources": "deepset/prompt-injections, BIPIA, NotInject, garak and PromptInject (MIT and "
        "Apache-2.0); half of the texts by hash",
        "bias": round(bias, 3),
        "families": {
            name: round(float(value), 3) for name, value in zip(FAMILIES, beta, strict=True)
        },
        "line": 0.5,
        "document_line": 0.5,
    }
    save(stored)
    harmless = [row["text"] for row in own if row["label"] == "benign"] + plain
    stored["line"] = line_for(scores(harmless), MESSAGE_ALARMS)
    stored["document_line"] = line_for(scores(said), DOCUMENT_ALARMS)
    save(stored)


def line_for(harmless: np.ndarray, alarms: float) -> float:
    """The lowest line at which so many harmless texts are flagged, and never below even odds."""
    allowed = int(alarms * len(harmless))
    ordered = np.sort(harmless)[::-1]
    return round(float(max(0.5, np.nextafter(ordered[allowed], 1.0) + 5e-4)), 3)


def save(stored: dict[str, Any]) -> None:
    detector.WEIGHTS.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    detector.weights.cache_clear()


def report(attacks: list[dict[str, Any]], questions: list[str], sentences: list[str]) -> None:
    kept = [row for row in attacks if not is_fitted_on(row["text"])]
    groups: dict[str, list[str]] = {}
    for row in kept:
        groups.setdefault(f"{row['label']}: {row['kind'].split(':')[0]}", []).append(row["text"])
    groups["harmless: questions of other sets"] = [q for q in questions if not is_fitted_on(q)]
    print("| messages not fitted on | texts | flagged |\n| --- | --- | --- |")
    for name, rows in sorted(groups.items()):
        flagged = sum(detector.judge(text).is_order for text in rows)
        print(f"| {name} | {len(rows)} | {flagged} ({flagged / max(1, len(rows)):.1%}) |")
    held = [text for text in sentences if not is_fitted_on(text)]
    flagged = sum(bool(detector.places(text)) for text in held)
    planted = [row["text"] for row in kept if row["label"] == "injection"]
    found = sum(bool(detector.places(text)) for text in planted)
    print("\n| in documents, not fitted on | texts | flagged |\n| --- | --- | --- |")
    share = flagged / max(1, len(held))
    print(f"| sentences of harmless documents | {len(held)} | {flagged} ({share:.3%}) |")
    print(f"| planted attacks | {len(planted)} | {found} ({found / max(1, len(planted)):.1%}) |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    loaded = texts(given.data)
    if given.write:
        write(*loaded)
    report(*loaded)


if __name__ == "__main__":
    main()
