"""Fit the weights of knowledge/retrieval/fusion.py, and compare it with what it is made of.

    python -m benchmarks.fit_fusion DATA [--cache FOLDER] [--sets squad2,scifact]

DATA holds folders of documents.jsonl.gz and questions.jsonl.gz. Every set is chunked and embedded
with the product's defaults (kept in the cache's folder) and searched as one index. The weights
minimise the listwise loss (Cao et al. 2007: minus the logarithm of the softmax's share of rows of
relevant documents), each set weighing the same. They are fitted on half of each set's questions
and measured on the other half; then fitted on all, which are the figures to put into the code.
SciFact is never fitted on: what it shows is what a new set can expect.
"""

import argparse
import pickle
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.native import limit_threads

limit_threads()

import numpy as np  # noqa: E402 - after the native libraries' environment
from scipy.optimize import minimize  # noqa: E402

from benchmarks.fit_calibration import chunk_rows, lines  # noqa: E402
from knowledge.retrieval import fusion  # noqa: E402
from knowledge.retrieval.backends.files import FilesEngine  # noqa: E402
from knowledge.retrieval.embedder import LocalEmbedder  # noqa: E402
from knowledge.retrieval.fusion import Candidate, features, fuse  # noqa: E402
from knowledge.retrieval.metrics import ndcg, recall  # noqa: E402
from knowledge.retrieval.retriever import gather  # noqa: E402

SETS = ("squad2", "faq_quebec", "handbook_tts", "identifiers", "mtrag", "scifact", "cranfield")
WEIGHTS = ("DENSE_WEIGHT", "LEXICAL_WEIGHT", "COVERAGE_WEIGHT", "BOTH_WEIGHT")
UNFITTED = {"scifact"}
# A ridge keeps the weights where nDCG is flat; without it the loss, which minds hard questions
# most, trades the first places of easy ones away. The scales bring the features to
# about one size.
RIDGE = 3e-4
SCALES = np.array([1.0, 0.3, 2.0, 1.0])
BINARY = {"scifact"}  # its grades count alike, as in published figures
DEPTH = 50
SEED = 5
RRF_K = 60
RESAMPLES = 2000


@dataclass
class Question:
    """One question's candidates with the grade of each one's document, and all grades."""

    found: list[Candidate]
    documents: list[int]
    asked: fusion.Asked
    grades: dict[int, float]

    def ndcg(self, rows: Sequence[int]) -> float:
        """Of a ranking of rows, by their documents."""
        document = dict(zip((each.row for each in self.found), self.documents, strict=True))
        return ndcg([document[row] for row in rows], self.grades)

    def recall(self, rows: Sequence[int]) -> float:
        document = dict(zip((each.row for each in self.found), self.documents, strict=True))
        return recall([document[row] for row in rows], set(self.grades))


Ranker = Callable[[Question], list[int]]


def by(feature: str) -> Ranker:
    def rank(question: Question) -> list[int]:
        known = [each for each in question.found if getattr(each, feature) is not None]
        return [each.row for each in sorted(known, key=lambda each: -getattr(each, feature))]

    return rank


def reciprocal(question: Question) -> list[int]:
    sums: dict[int, float] = {}
    for feature in ("dense", "lexical"):
        for place, row in enumerate(by(feature)(question)[:DEPTH], 1):
            sums[row] = sums.get(row, 0.0) + 1 / (RRF_K + place)
    return sorted(sums, key=lambda row: -sums[row])


def z_scores(question: Question) -> list[int]:
    """The best of simple fusions: .65 dense, .35 lexical, the worst score where it is unknown."""
    found = question.found
    least = min((each.lexical for each in found if each.lexical is not None), default=0.0)
    words = np.array([least if each.lexical is None else each.lexical for each in found])
    meaning = np.array([each.dense or 0.0 for each in found])
    sums = sum(
        share * (values - values.mean()) / (values.std() + 1e-9)
        for share, values in ((0.65, meaning), (0.35, words))
    )
    return [found[at].row for at in np.argsort(-np.asarray(sums), kind="stable")]


def fused(question: Question) -> list[int]:
    return [hit.row for hit in fuse(question.found, question.asked)]


RANKERS: dict[str, Ranker] = {
    "BM25": by("lexical"),
    "dense": by("dense"),
    "RRF 60": reciprocal,
    "z-scores": z_scores,
    "learned": fused,
}


def ask_all(data: Path, name: str, embedder: LocalEmbedder, cache: Path | None) -> list[Question]:
    """Every answerable question of a set with its candidates."""
    documents = lines(data / name / "documents.jsonl.gz")
    numbers = {document["id"]: at for at, document in enumerate(documents)}
    questions = [q for q in lines(data / name / "questions.jsonl.gz") if q["relevant"]]
    rows, vectors = _embedded(documents, questions, embedder, cache and cache / f"{name}.pickle")
    made = []
    with tempfile.TemporaryDirectory() as folder:
        engine = FilesEngine(Path(folder))
        engine.build("set", rows, embedder.dimension, {})
        index = engine.open("set")
        everyone = index.allow(None)
        for question, vector in zip(questions, vectors, strict=True):
            found = gather(question["question"], vector, index, everyone, DEPTH)
            grades: dict[int, float] = {}
            for entry in question["relevant"]:
                number = numbers.get(entry["document_id"], -1)
                grade = 1.0 if name in BINARY else float(entry.get("grade", 1))
                grades[number] = max(grades.get(number, 0.0), grade)
            rows_found = [each.row for each in found.candidates]
            documents_found = index.documents(rows_found) if rows_found else []
            made.append(Question(found.candidates, documents_found, found.asked, grades))
    return made


def _embedded(
    documents: Sequence[dict[str, Any]],
    questions: Sequence[dict[str, Any]],
    embedder: LocalEmbedder,
    kept: Path | None,
) -> tuple[Any, Any]:
    if kept and kept.is_file():
        return pickle.loads(kept.read_bytes())  # our own file, of the run before
    rows = chunk_rows(documents, embedder)
    vectors = embedder.embed_passages([question["question"] for question in questions])
    if kept:
        kept.write_bytes(pickle.dumps((rows, vectors)))
    return rows, vectors


def fit(sets: Sequence[Sequence[Question]]) -> np.ndarray:
    """The four weights, by L-BFGS from the ones in use."""
    lists = []
    for questions in sets:
        usable = [each for each in questions if set(each.documents) & each.grades.keys()]
        for each in usable:
            gains = np.array([each.grades.get(number, 0.0) for number in each.documents])
            values = features(each.found, each.asked)
            both = np.column_stack((values, values[:, 0] * values[:, 2]))
            lists.append((both, gains / gains.max(), 1 / len(usable) / len(sets)))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total = RIDGE * float(np.square(weights * SCALES).sum())
        slope = 2 * RIDGE * weights * SCALES**2
        for values, gains, weight in lists:
            scores = values @ weights
            share = np.exp(scores - scores.max())
            share /= share.sum()
            right = share * gains
            total -= weight * np.log(right.sum())
            slope += weight * ((share - right / right.sum()) @ values)
        return total, slope

    return np.asarray(minimize(loss, [getattr(fusion, w) for w in WEIGHTS], jac=True).x)


def use(weights: np.ndarray) -> None:
    for name, weight in zip(WEIGHTS, weights, strict=True):
        setattr(fusion, name, float(weight))


def report(title: str, sets: dict[str, list[Question]]) -> None:
    print(f"\n{title}: nDCG@10 / recall@5 of documents")
    print(f"{'':14}" + "".join(f"{ranker:>16}" for ranker in RANKERS))
    pooled: dict[str, list[float]] = {ranker: [] for ranker in RANKERS}
    for name, asked in sets.items():
        cells = []
        for ranker, rank in RANKERS.items():
            orders = [rank(each) for each in asked]
            scores = [each.ndcg(order) for each, order in zip(asked, orders, strict=True)]
            recalls = [each.recall(order) for each, order in zip(asked, orders, strict=True)]
            pooled[ranker].extend(scores)
            cells.append(f"{np.mean(scores):>9.4f} {np.mean(recalls):.4f}")
        print(f"{name:14}" + "".join(cells))
    print(
        f"{'pooled':14}" + "".join(f"{np.mean(scores):>9.4f}       " for scores in pooled.values())
    )
    for ranker in list(RANKERS)[:-1]:
        low, high = _interval(np.array(pooled["learned"]) - np.array(pooled[ranker]))
        print(f"  learned above {ranker}: 95 % interval {low:+.4f} to {high:+.4f}")


def _interval(differences: np.ndarray) -> tuple[float, float]:
    """Of the mean, by the bootstrap over questions."""
    rng = np.random.default_rng(SEED)
    picks = rng.integers(0, len(differences), (RESAMPLES, len(differences)))
    low, high = np.percentile(differences[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    arguments = parser.parse_args()
    embedder = LocalEmbedder("all-MiniLM-L6-v2")
    sets = {}
    for name in arguments.sets.split(","):
        sets[name] = ask_all(arguments.data, name, embedder, arguments.cache)
        print(name, len(sets[name]), "questions", flush=True)
    report("weights in use, all questions", sets)
    rng = np.random.default_rng(SEED)
    halves = {name: rng.permutation(len(asked)) % 2 == 0 for name, asked in sets.items()}
    fitted = [name for name in sets if name not in UNFITTED]
    chosen = [[a for a, half in zip(sets[n], halves[n], strict=True) if half] for n in fitted]
    rest = {n: [a for a, half in zip(sets[n], halves[n], strict=True) if not half] for n in sets}
    use(fit(chosen))
    report("fitted on one half, measured on the other", rest)
    weights = fit([sets[name] for name in fitted])
    print("\nfitted on all:", dict(zip(WEIGHTS, np.round(weights, 3).tolist(), strict=True)))


if __name__ == "__main__":
    main()
