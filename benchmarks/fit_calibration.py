"""Fit the constants of knowledge/retrieval/calibration.py.

    python benchmarks/fit_calibration.py DATA [--cache FOLDER]

DATA holds folders of questions.jsonl.gz and documents.jsonl.gz (squad2, handbook_tts, faq_quebec,
scifact, identifiers) and offtopic_clinc/texts.jsonl.gz. Each set is searched as one large corpus
and as small ones of 15 documents, so that what is learnt does not lean on a corpus's size.
Answerable are a set's own questions whose document is in the corpus; not answerable are requests
of offtopic_clinc and questions of the other sets. Every corpus and label weighs the same.
"""

import argparse
import gzip
import json
import pickle
import random
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.native import limit_threads

limit_threads()

import numpy as np  # noqa: E402 - after the native libraries' environment

from knowledge.ingestion.markdown import outline  # noqa: E402
from knowledge.ingestion.splitter import SplitterConfig, split  # noqa: E402
from knowledge.ingestion.types import Extracted  # noqa: E402
from knowledge.retrieval.backends.files import FileIndex, build  # noqa: E402
from knowledge.retrieval.calibration import Features  # noqa: E402
from knowledge.retrieval.embedder import LocalEmbedder  # noqa: E402
from knowledge.retrieval.metrics import auc  # noqa: E402
from knowledge.retrieval.retriever import Retrieved, RetrieverConfig, retrieve  # noqa: E402
from knowledge.retrieval.types import IndexRow  # noqa: E402

# Documents and questions taken of each set: enough for a dozen coefficients, minutes to embed.
SETS = {
    "faq_quebec": (313, 400),
    "handbook_tts": (100, 60),
    "squad2": (350, 500),
    "identifiers": (120, 60),
    "scifact": (300, 300),
}
OFF_TOPIC = 400
SMALL_CORPORA = 4
SMALL_DOCUMENTS = 15
KEPT = 0.95  # of the answerable
SEED = 7


@dataclass
class Set:
    name: str
    documents: list[dict[str, Any]]
    rows: list[IndexRow]
    questions: list[tuple[str, np.ndarray, set[int]]]  # text, vector, numbers of its documents


@dataclass
class Example:
    corpus: str
    is_answerable: bool
    features: Features


@dataclass
class HitExample:
    corpus: str
    is_relevant: bool
    dense: float | None  # None by words alone
    coverage: float


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read_set(data: Path, name: str, embedder: LocalEmbedder) -> Set:
    rng = random.Random(SEED)
    documents = lines(data / name / "documents.jsonl.gz")
    questions = [q for q in lines(data / name / "questions.jsonl.gz") if q["answerable"]]
    wanted = {entry["document_id"] for q in questions for entry in q["relevant"]}
    rng.shuffle(documents)
    rng.shuffle(questions)
    documents.sort(key=lambda document: document["id"] not in wanted)
    documents = documents[: SETS[name][0]]
    numbers = {document["id"]: at for at, document in enumerate(documents)}
    rows = chunk_rows(documents, embedder)
    asked = []
    for question in questions:
        found = {numbers.get(entry["document_id"], -1) for entry in question["relevant"]} - {-1}
        if found and len(asked) < SETS[name][1]:
            asked.append((question["question"], found))
    vectors = embedder.embed_passages([text for text, _ in asked])
    joined = [(text, vector, found) for (text, found), vector in zip(asked, vectors, strict=True)]
    return Set(name, documents, rows, joined)


def chunk_rows(documents: Sequence[dict[str, Any]], embedder: LocalEmbedder) -> list[IndexRow]:
    pieces = []
    for number, document in enumerate(documents):
        extracted = Extracted(document["text"], outline(document["text"]))
        made = split(extracted, document["title"], SplitterConfig(), embedder.count_tokens)
        pieces += [(number, document["title"], piece) for piece in made]
    vectors = embedder.embed_passages([piece.embedded_text for _, _, piece in pieces])
    return [
        IndexRow(uuid.uuid4(), number, number, title, piece.heading, piece.text, vector)
        for (number, title, piece), vector in zip(pieces, vectors, strict=True)
    ]


def corpora(taken: Set) -> Iterator[tuple[str, set[int]]]:
    """The whole set, then small parts of it that have questions."""
    yield f"{taken.name}/all", set(range(len(taken.documents)))
    rng = random.Random(SEED)
    asked_about = sorted({number for _, _, found in taken.questions for number in found})
    for part in range(SMALL_CORPORA):
        chosen = rng.sample(asked_about, min(SMALL_DOCUMENTS, len(asked_about)))
        yield f"{taken.name}/{part}", set(chosen)


def examples(
    taken: Set, strangers: Sequence[tuple[str, np.ndarray]]
) -> Iterator[tuple[Example, list[HitExample]]]:
    for name, members in corpora(taken):
        rows = [row for row in taken.rows if row.document_id in members]
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder) / "index", rows, 384, {})
            index = FileIndex.open(Path(folder) / "index")
            everyone = index.allow(None)

            def ask(
                text: str, vector: np.ndarray | None, index: Any = index, everyone: Any = everyone
            ) -> Retrieved:
                return retrieve(text, vector, index, everyone, RetrieverConfig())

            for way in (True, False):  # with the vector, and by words alone
                for text, vector, found in taken.questions:
                    if found & members:
                        yield _example(name, ask(text, vector if way else None), found & members)
                for text, vector in strangers:
                    yield _example(name, ask(text, vector if way else None), set())


def _example(name: str, result: Retrieved, found: set[int]) -> tuple[Example, list[HitExample]]:
    hits = [
        HitExample(name, hit.document_id in found, hit.dense, hit.coverage) for hit in result.hits
    ]
    return Example(name, bool(found), result.features), hits


def fit(inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted logistic regression with a small ridge, by Newton's method; intercept last."""
    design = np.column_stack([inputs, np.ones(len(inputs))])
    beta = np.zeros(design.shape[1])
    ridge = np.diag([1e-3] * inputs.shape[1] + [0.0])
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (weights * (labels - chance)) - ridge @ beta
        curvature = (design * (weights * chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, gradient)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    return beta


def balanced(groups: Sequence[tuple[str, bool]]) -> np.ndarray:
    """Weights that give every corpus and label the same sum; their total is 100 a group."""
    count: dict[tuple[str, bool], int] = {}
    for group in groups:
        count[group] = count.get(group, 0) + 1
    return np.array([100.0 / count[group] for group in groups])


def full(features: Features) -> list[float]:
    return [
        features.best_dense or 0.0,
        features.coverage,
        features.lead,
        features.lexical_lead,
    ]


def words_alone(features: Features) -> list[float]:
    return [features.coverage, features.lexical, float(np.log(features.passages))]


def report_answerable(
    title: str, found: Sequence[Example], inputs: Callable[[Features], list[float]]
) -> None:
    matrix = np.array([inputs(example.features) for example in found])
    labels = np.array([float(example.is_answerable) for example in found])
    weights = balanced([(example.corpus, example.is_answerable) for example in found])
    sets = sorted({example.corpus.split("/")[0] for example in found})
    of_set = np.array([example.corpus.split("/")[0] for example in found])
    print(f"\n{title}")
    for left_out in [*sets, ""]:  # each set once unseen, then the fit on all
        rest = of_set != left_out
        beta = fit(matrix[rest], labels[rest], weights[rest])
        chances = 1 / (1 + np.exp(-(matrix @ beta[:-1] + beta[-1])))
        threshold = _quantile(chances[rest & (labels == 1)], weights[rest & (labels == 1)])
        shown = of_set == left_out if left_out else rest
        positive, negative = shown & (labels == 1), shown & (labels == 0)
        kept = np.average(chances[positive] >= threshold, weights=weights[positive])
        refused = np.average(chances[negative] < threshold, weights=weights[negative])
        area = auc(chances[positive], chances[negative])
        print(
            f"  {left_out or 'fitted on all':14} AUC {area:.4f}  kept {kept:.3f}"
            f"  refused {refused:.3f}  threshold {threshold:.3f}"
        )
    beta[-1] -= np.log(threshold / (1 - threshold))  # so that the line lies at one half
    print("  coefficients", [round(float(value), 3) for value in beta])


def _quantile(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(share, 1 - KEPT)])


def report_relevance(found: Sequence[HitExample]) -> None:
    for title, by_words in (("relevance", False), ("relevance by words alone", True)):
        hits = [hit for hit in found if (hit.dense is None) is by_words]
        matrix = np.array(
            [[hit.coverage] if by_words else [hit.coverage, hit.dense] for hit in hits]
        )
        labels = np.array([float(hit.is_relevant) for hit in hits])
        weights = balanced([(hit.corpus, hit.is_relevant) for hit in hits])
        beta = fit(matrix, labels, weights)
        scores = matrix @ beta[:-1]
        print(f"\n{title}: AUC {auc(scores[labels == 1], scores[labels == 0]):.4f}")
        print("  coefficients", [round(float(value), 3) for value in beta])


def load(data: Path, cache: Path | None) -> tuple[list[Set], list[tuple[str, np.ndarray]]]:
    kept = cache / "calibration.pickle" if cache else None
    if kept and kept.is_file():
        return pickle.loads(kept.read_bytes())  # our own file, of the run before
    embedder = LocalEmbedder("all-MiniLM-L6-v2")
    texts = [line["text"] for line in lines(data / "offtopic_clinc" / "texts.jsonl.gz")]
    random.Random(SEED).shuffle(texts)
    off_topic = list(
        zip(texts[:OFF_TOPIC], embedder.embed_passages(texts[:OFF_TOPIC]), strict=True)
    )
    taken = []
    for name in SETS:
        taken.append(read_set(data, name, embedder))
        print(name, len(taken[-1].rows), "chunks", len(taken[-1].questions), "questions")
    if kept:
        kept.write_bytes(pickle.dumps((taken, off_topic)))
    return taken, off_topic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    taken, off_topic = load(arguments.data, arguments.cache)
    found: list[Example] = []
    hits: list[HitExample] = []
    for one in taken:
        others = [
            (text, vector)
            for other in taken
            if other is not one and other.name != "scifact"  # claims, not questions
            for text, vector, _ in other.questions[:60]
        ]
        for example, its_hits in examples(one, [*off_topic, *others]):
            found.append(example)
            hits.extend(its_hits)
    print(len(found), "questions asked of", len({example.corpus for example in found}), "corpora")
    whole = [example for example in found if example.features.best_dense is not None]
    by_words = [example for example in found if example.features.best_dense is None]
    report_answerable("answerable", whole, full)
    report_answerable("answerable, by words alone", by_words, words_alone)
    report_relevance(hits)


if __name__ == "__main__":
    main()
