"""Fit the constants of knowledge/retrieval/calibration.py: how far a passage bears on a question.

    python benchmarks/fit_calibration.py DATA [--cache FOLDER]

DATA holds folders of questions.jsonl.gz and documents.jsonl.gz (squad2, handbook_tts, faq_quebec,
scifact, identifiers) and offtopic_clinc/texts.jsonl.gz. Each set is searched as one large corpus
and as small ones of 15 documents, so that what is learnt does not lean on a corpus's size.
Relevant are the passages of a question's own documents, of a set's questions, requests of
offtopic_clinc and questions of the other sets. Every corpus and label weighs the same. Whether a
question is answered at all is fitted by ``python -m benchmarks.answerability``.
"""

import argparse
import gzip
import json
import pickle
import random
import tempfile
import uuid
from collections.abc import Iterator, Sequence
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
from knowledge.retrieval.embedder import LocalEmbedder  # noqa: E402
from knowledge.retrieval.metrics import auc  # noqa: E402
from knowledge.retrieval.regression import fit  # noqa: E402
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
SEED = 7


@dataclass
class Set:
    name: str
    documents: list[dict[str, Any]]
    rows: list[IndexRow]
    questions: list[tuple[str, np.ndarray, set[int]]]  # text, vector, numbers of its documents


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


def examples(taken: Set, strangers: Sequence[tuple[str, np.ndarray]]) -> Iterator[list[HitExample]]:
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


def _example(name: str, result: Retrieved, found: set[int]) -> list[HitExample]:
    return [
        HitExample(name, hit.document_id in found, hit.dense, hit.coverage) for hit in result.hits
    ]


def balanced(groups: Sequence[tuple[str, bool]]) -> np.ndarray:
    """Weights that give every corpus and label the same sum; their total is 100 a group."""
    count: dict[tuple[str, bool], int] = {}
    for group in groups:
        count[group] = count.get(group, 0) + 1
    return np.array([100.0 / count[group] for group in groups])


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
    asked = 0
    hits: list[HitExample] = []
    for one in taken:
        others = [
            (text, vector)
            for other in taken
            if other is not one and other.name != "scifact"  # claims, not questions
            for text, vector, _ in other.questions[:60]
        ]
        for its_hits in examples(one, [*off_topic, *others]):
            asked += 1
            hits.extend(its_hits)
    print(asked, "questions asked of", len({hit.corpus for hit in hits}), "corpora")
    report_relevance(hits)


if __name__ == "__main__":
    main()
