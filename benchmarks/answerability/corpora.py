"""Public sets as corpora in memory: each whole, and as small ones of some documents."""

import gzip
import hashlib
import json
import pickle
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.public.shelf import VectorShelf
from knowledge.ingestion.markdown import outline
from knowledge.ingestion.splitter import Piece, SplitterConfig, split
from knowledge.ingestion.types import Extracted
from knowledge.retrieval.embedder import LocalEmbedder
from knowledge.retrieval.types import IndexRow, Vector

# Documents and questions taken of each set: enough for half a dozen weights, minutes to read.
SETS = {
    "faq_quebec": (313, 150),
    "handbook_tts": (233, 60),
    "squad2": (646, 200),
    "identifiers": (400, 63),
    "scifact": (600, 150),
    "mtrag": (350, 65),
}
OTHERS = 8  # questions of each other set
SMALL_CORPORA, SMALL_DOCUMENTS = 4, 15
SEED = 7
TOGETHER = "together"  # all sets in one corpus: measured, not fitted on
NOT_ASKED_ELSEWHERE = ("scifact", "mtrag")  # claims, and questions that need what was said before


@dataclass(frozen=True)
class Gold:
    """A document of the set that answers, by number, and where (None: anywhere in it)."""

    document: int
    span: tuple[int, int] | None


@dataclass(frozen=True)
class Asked:
    """A question with its vector; without gold nothing answers it.

    ``about`` is the document that an unanswerable question was written for, -1 where none was.
    """

    text: str
    vector: Vector
    gold: tuple[Gold, ...] = ()
    about: int = -1


@dataclass
class Set:
    """A set as rows of an index; ``pieces`` are the rows' chunks."""

    name: str
    titles: list[str]
    rows: list[IndexRow]
    pieces: list[Piece]
    questions: list[Asked]


class Vectors:
    """Vectors of texts, kept between runs."""

    def __init__(self, folder: Path, embedder: LocalEmbedder) -> None:
        self.embedder, self.folder = embedder, folder
        self._shelf = VectorShelf(folder, f"{embedder.fingerprint} ")

    def of(self, texts: dict[str, str]) -> dict[str, Vector]:
        """The vector of each text, by its key."""
        found = self._shelf.get(texts)
        missing = [key for key in texts if key not in found]
        for start in range(0, len(missing), 256):
            part = missing[start : start + 256]
            made = self.embedder.embed_passages([texts[key] for key in part])
            rows = {key: np.asarray(v, "<f4").tobytes() for key, v in zip(part, made, strict=True)}
            self._shelf.put(rows)
            found |= rows
        return {key: np.frombuffer(found[key], "<f4") for key in texts}


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read_set(
    data: Path, name: str, vectors: Vectors, unseen: Any, size: tuple[int, int] | None = None
) -> Set:
    """A set's documents and questions; of a set that a reader was trained on, unseen ones.

    A set is kept beside the vectors, since splitting takes longer than anything but reading.
    ``size`` is of documents and of questions of either kind; None is that of ``SETS``.
    """
    size = size or SETS[name]
    made_with = f"{size} {SplitterConfig().identity} {vectors.embedder.fingerprint}"
    key = hashlib.sha256(made_with.encode()).hexdigest()[:12]
    kept = vectors.folder / f"{name}-{key}.pickle"
    if kept.is_file():
        found: Set = pickle.loads(kept.read_bytes())  # our own file, of the run before
        return found
    made = _made(data / name, size, vectors, unseen)
    kept.write_bytes(pickle.dumps(made))
    return made


def _made(folder: Path, size: tuple[int, int], vectors: Vectors, unseen: Any) -> Set:
    most, asked = size
    name, rng = folder.name, random.Random(SEED)
    documents = lines(folder / "documents.jsonl.gz")
    questions = lines(folder / "questions.jsonl.gz")
    rng.shuffle(documents)
    rng.shuffle(questions)
    questions = [q for q in questions if unseen(name, q)]
    wanted = {entry["document_id"] for q in questions for entry in q["relevant"]}
    documents.sort(key=lambda document: document["id"] not in wanted)
    documents = documents[:most]
    numbers = {document["id"]: at for at, document in enumerate(documents)}
    answerable = [q for q in questions if q["answerable"] and _gold(q, numbers)][:asked]
    others = [q for q in questions if not q["answerable"]][:asked]
    rows, pieces = _rows(documents, vectors)
    return Set(
        name,
        [document["title"] for document in documents],
        rows,
        pieces,
        asked_of([*answerable, *others], numbers, vectors.embedder),
    )


def asked_of(
    questions: Sequence[dict[str, Any]], numbers: dict[str, int], embedder: LocalEmbedder
) -> list[Asked]:
    texts = [q.get("rewrite") or q["question"] for q in questions]  # as a follow-up is searched
    vectors = embedder.embed_queries(texts)
    return [
        Asked(text, vector, _gold(q, numbers), numbers.get(q.get("about", ""), -1))
        for q, text, vector in zip(questions, texts, vectors, strict=True)
    ]


def _gold(question: dict[str, Any], numbers: dict[str, int]) -> tuple[Gold, ...]:
    return tuple(
        Gold(
            numbers[entry["document_id"]],
            (entry["start"], entry["end"]) if "start" in entry else None,
        )
        for entry in question.get("relevant", ())
        if entry["document_id"] in numbers
    )


def _rows(
    documents: Sequence[dict[str, Any]], vectors: Vectors
) -> tuple[list[IndexRow], list[Piece]]:
    made: list[tuple[int, str, Piece]] = []
    for number, document in enumerate(documents):
        extracted = Extracted(document["text"], outline(document["text"]))
        title = " ".join(document["title"].split())[:200]
        pieces = split(extracted, title, SplitterConfig(), vectors.embedder.count_tokens)
        made += [(number, title, piece) for piece in pieces]
    known = vectors.of({piece.content_hash: piece.embedded_text for _, _, piece in made})
    rows = [
        IndexRow(
            uuid.UUID(int=at), number, number, title, piece.heading, piece.text,
            known[piece.content_hash],
        )
        for at, (number, title, piece) in enumerate(made)
    ]  # fmt: skip
    return rows, [piece for _, _, piece in made]


def together(sets: Sequence[Set]) -> Set:
    """All sets as one, each document and question once."""
    whole = Set(TOGETHER, [], [], [], [])
    for one in sets:
        first = len(whole.titles)
        for row in one.rows:
            number, at = first + row.document_id, len(whole.rows)
            moved = {"document_id": number, "version_id": number, "chunk_id": uuid.UUID(int=at)}
            whole.rows.append(replace(row, **moved))
        whole.pieces += one.pieces
        whole.titles += one.titles
        whole.questions += [_moved(asked, first) for asked in one.questions]
    return whole


def _moved(asked: Asked, first: int) -> Asked:
    gold = tuple(replace(one, document=first + one.document) for one in asked.gold)
    return replace(asked, gold=gold, about=first + asked.about if asked.about >= 0 else -1)


def corpora(taken: Set) -> Iterator[tuple[str, frozenset[int]]]:
    """The whole set, then small parts of it that have questions."""
    yield f"{taken.name}/all", frozenset(range(len(taken.titles)))
    if taken.name == TOGETHER:
        return
    rng = random.Random(SEED)
    asked_about = sorted({gold.document for one in taken.questions for gold in one.gold})
    for part in range(SMALL_CORPORA):
        chosen = rng.sample(asked_about, min(SMALL_DOCUMENTS, len(asked_about)))
        yield f"{taken.name}/{part}", frozenset(chosen)
