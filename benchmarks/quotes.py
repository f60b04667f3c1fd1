"""How often the first sentence of a quoted answer holds the answer, and the weights that choose it.

    python -m benchmarks.quotes DATA --vectors FOLDER [--weights FOLDER] [--fit]

Measured within the right paragraph, and end to end from what a search finds: on squad2's articles
that the reader was not trained on, and on handbook_tts. ``--fit`` fits the weights of
chat/generation/quotable.py on every second question of squad2's and reports on the others alone;
the other set is never fitted on.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.native import limit_threads

limit_threads()

import numpy as np  # noqa: E402 - after the native libraries' environment

from benchmarks.answerability.corpora import Asked, Set, Vectors, read_set  # noqa: E402
from benchmarks.answerability.unseen import Unseen  # noqa: E402
from chat.generation import quotable  # noqa: E402
from chat.generation.quotable import (  # noqa: E402
    Candidate,
    Shown,
    candidates_in,
    may_be_quoted,
    score,
    shown,
)
from evaluation.reliability import wilson  # noqa: E402
from knowledge.ingestion.splitter import sentence_spans  # noqa: E402
from knowledge.passages import Judged, Passage  # noqa: E402
from knowledge.retrieval.answerability import SURE  # noqa: E402
from knowledge.retrieval.backends.files import FileIndex, build  # noqa: E402
from knowledge.retrieval.embedder import LocalEmbedder  # noqa: E402
from knowledge.retrieval.reader import Page, Reader  # noqa: E402
from knowledge.retrieval.regression import fit  # noqa: E402
from knowledge.retrieval.retriever import RetrieverConfig, retrieve  # noqa: E402

SIZES = {"squad2": (646, 400), "handbook_tts": (120, 60)}  # documents, questions of either kind
READ = (1, 2, 3)  # passages that are read


@dataclass(frozen=True)
class Chosen:
    """A question's candidates with what is known of them, and which hold the answer."""

    number: int
    known: list[Shown]
    holds: list[bool]

    def is_right(self, score_of: Callable[[Shown], float]) -> bool:
        scores = [score_of(one) for one in self.known]
        return bool(scores) and self.holds[int(np.argmax(scores))]


def passages_of(taken: Set, rows: Sequence[tuple[int, float]]) -> list[Passage]:
    """Rows of a set with their scores as a search gives them."""
    found = []
    for row, relevance in rows:
        piece, document = taken.pieces[row], taken.rows[row].document_id
        found.append(
            Passage(
                chunk_id=str(row), document_id=document, version_id=document, document_version=1,
                title=taken.titles[document], heading=piece.heading, page=None, text=piece.text,
                start=piece.start, end=piece.end, score=relevance,
            )
        )  # fmt: skip
    return found


def read_by(
    reader: Reader | None, question: str, passages: list[Passage], *, everything: bool
) -> list[Passage]:
    """The passages with the reader's opinion: those that an answer's quotes have read."""
    if reader is None:
        return passages
    read: list[Passage] = []
    for passage in passages:
        if read and not everything:
            is_sure = read[-1].judged is not None and read[-1].judged.answerable >= SURE
            if is_sure or not may_be_quoted(question, read, passage):
                break
        spans = tuple(sentence_spans(passage.text))
        (one,) = reader.read(
            question, [Page(passage.text, spans, passage.heading or passage.title)]
        )
        likely = tuple((*span, x) for span, x in zip(spans, one.sentences, strict=True))
        read.append(replace(passage, judged=Judged(one.answerable, likely)))
    return read


def holds(candidate: Candidate, asked: Asked) -> bool:
    """Whether the quote shows a gold span: all of it, or half of a long one."""
    passage = candidate.passage
    start, end = passage.start + candidate.unit.start, passage.start + candidate.unit.end
    for gold in asked.gold:
        if gold.document != passage.document_id or gold.span is None:
            continue
        first, last = gold.span
        shared = min(end, last) - max(start, first)
        if shared >= (last - first) * (1.0 if last - first < 60 else 0.5):
            return True
    return False


@dataclass(frozen=True)
class Way:
    """How a question's passages come about, and who reads them.

    ``find`` gives rows with their relevance; ``is_whole``: all of them are read.
    """

    title: str
    find: Any
    reader: Reader | None = None
    is_whole: bool = False


def chosen(taken: Set, asked: Sequence[Asked], way: Way, embed: Any) -> list[Chosen]:
    """Every question with its candidates."""
    made = []
    for number, one in enumerate(asked):
        found = passages_of(taken, way.find(one))
        passages = read_by(way.reader, one.text, found, everything=way.is_whole)
        candidates = candidates_in(passages)
        known = shown(one.text, candidates, embed)
        made.append(Chosen(number, known, [holds(each, one) for each in candidates]))
    return made


def own_paragraph(taken: Set) -> Any:
    """All chunks of the document that answers."""

    def find(one: Asked) -> list[tuple[int, float]]:
        documents = {gold.document for gold in one.gold}
        return [(at, 1.0) for at, row in enumerate(taken.rows) if row.document_id in documents]

    return find


def searched(taken: Set, folder: Path, limit: int) -> Any:
    """What a search finds in the whole set."""
    build(folder / taken.name, taken.rows, 384, {})
    index = FileIndex.open(folder / taken.name)
    everyone = index.allow(None)

    def find(one: Asked) -> list[tuple[int, float]]:
        hits = retrieve(one.text, one.vector, index, everyone, RetrieverConfig(limit=limit)).hits
        return [(hit.chunk_id.int, hit.relevance) for hit in hits]

    return find


COLUMNS: dict[str, Callable[[Shown], list[float]]] = {
    "without reader": lambda s: [s.meaning or 0.0, s.words, s.passage, s.kind],
    "with reader": lambda s: [
        quotable.logit(s.sentence or 0.0), quotable.logit(s.page or 0.0), s.words, s.passage, s.kind
    ],
}  # fmt: skip


def fitted(of: Sequence[Chosen], columns: Callable[[Shown], list[float]]) -> Any:
    """Logistic regression: does a candidate hold the answer? Every question weighs the same."""
    rows = [
        (columns(known), is_right, 1 / len(one.known))
        for one in of
        for known, is_right in zip(one.known, one.holds, strict=True)
    ]
    inputs, labels, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return fit(inputs, labels, weights * len(rows) / weights.sum())


def line(title: str, of: Sequence[Chosen], score_of: Callable[[Shown], float]) -> None:
    right = sum(one.is_right(score_of) for one in of)
    low, high = wilson(right, len(of))
    there = sum(any(one.holds) for one in of)
    print(
        f"  {title:44} first sentence {right / len(of):.3f} [{low:.3f}, {high:.3f}]"
        f"  any {there / len(of):.3f}  n {len(of)}",
        flush=True,
    )


def ways(taken: Set, folder: Path, reader: Reader | None) -> Iterator[Way]:
    """All ways, without the reader and with it."""
    own = own_paragraph(taken)
    yield Way("right paragraph, without reader", own)
    yield Way("end to end, without reader", searched(taken, folder, quotable.PASSAGES))
    if reader is None:
        return
    yield Way("right paragraph, with reader", own, reader, is_whole=True)
    for depth in READ:
        find = searched(taken, folder / f"{depth}", depth)
        yield Way(f"end to end, {depth} read, with reader", find, reader)


def report(taken: Set, way: Way, embed: Any, *, fits: bool) -> None:
    """One way's line; with ``fits`` on the half of squad2 that the weights are not fitted on."""
    asked = [one for one in taken.questions if one.gold and all(gold.span for gold in one.gold)]
    of = chosen(taken, asked, way, embed)
    if not fits or taken.name != "squad2":
        line(way.title, of, score)
        return
    half = [one for one in of if one.number % 2]
    line(way.title, half, score)
    columns = COLUMNS["with reader" if way.reader else "without reader"]
    beta = fitted([one for one in of if one.number % 2 == 0], columns)
    line("  fitted anew", half, lambda known: float(np.dot(columns(known), beta[:-1])))
    print("    weights", np.round(beta, 3).tolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="the reader's folder; without one none reads")
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    embedder = LocalEmbedder("all-MiniLM-L6-v2")
    reader = Reader(arguments.weights) if arguments.weights else None
    vectors, unseen = Vectors(arguments.vectors, embedder), Unseen(arguments.data)
    for name, size in SIZES.items():
        taken = read_set(arguments.data, name, vectors, unseen, size)
        print(f"\n{name}, {len(taken.questions)} questions")
        with tempfile.TemporaryDirectory() as folder:
            for way in ways(taken, Path(folder), reader):
                report(taken, way, embedder.embed_passages, fits=arguments.fit)


if __name__ == "__main__":
    main()
