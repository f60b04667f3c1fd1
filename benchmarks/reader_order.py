"""Does the small reader rank passages better than the search does?

    python -m benchmarks.reader_order DATA --vectors FOLDER --weights FOLDER [--questions 60]

The first passages of a search in the reader's order, and both orders mixed by reciprocal ranks,
against the search's own: nDCG@10 of documents, and evidence among the first five. On sets or
articles that the reader was not trained on. ``manage.py evaluate --folder FOLDER --methods
product,read,read+fused`` measures the same in whole installations, for a second a question.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.native import limit_threads

limit_threads()

from benchmarks.answerability.corpora import Asked, Set, Vectors, read_set  # noqa: E402
from benchmarks.answerability.unseen import Unseen  # noqa: E402
from evaluation.intervals import mean_intervals, paired_differences  # noqa: E402
from evaluation.metrics import Gold, GoldSpan, Shown, of_question  # noqa: E402
from evaluation.mixing import mixed  # noqa: E402
from knowledge.ingestion.splitter import sentence_spans  # noqa: E402
from knowledge.retrieval.backends.files import FileIndex, build  # noqa: E402
from knowledge.retrieval.embedder import LocalEmbedder  # noqa: E402
from knowledge.retrieval.reader import Page, Reader  # noqa: E402
from knowledge.retrieval.retriever import RetrieverConfig, retrieve  # noqa: E402

# Documents and questions of each.
SETS = {
    "squad2": (646, 100),
    "handbook_tts": (120, 60),
    "mtrag": (200, 65),
    "identifiers": (150, 30),
}
DEPTHS = (3, 5, 10)  # passages that are read
LIMIT = 20
FIGURES = ("ndcg@10", "evidence@5")


def orders(scores: Sequence[float]) -> dict[str, list[int]]:
    """Places of the search's passages, by each way and depth."""
    found = {"search": list(range(LIMIT))}
    for depth in DEPTHS:
        first = scores[:depth]
        rest = list(range(len(first), LIMIT))
        found[f"read {depth}"] = sorted(range(len(first)), key=lambda at: -scores[at]) + rest
        found[f"mixed {depth}"] = mixed(first) + rest
    return found


def figures(
    taken: Set, asked: Sequence[Asked], reader: Reader
) -> dict[str, dict[str, list[float]]]:
    """Each way's figures, question by question."""
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder) / "index", taken.rows, 384, {})
        index = FileIndex.open(Path(folder) / "index")
        for one in asked:
            config = RetrieverConfig(limit=LIMIT)
            hits = retrieve(one.text, one.vector, index, index.allow(None), config).hits
            pieces = [taken.pieces[hit.chunk_id.int] for hit in hits]
            shown = [
                Shown(hit.document_id, piece.start, piece.end, piece.text)
                for piece, hit in zip(pieces, hits, strict=True)
            ]
            headings = [
                piece.heading or taken.titles[hit.document_id]
                for piece, hit in zip(pieces, hits, strict=True)
            ]
            for way, made in of_each_way(one, shown, read(reader, one.text, shown, headings)):
                for name in set(FIGURES) & set(made):
                    found.setdefault(way, {}).setdefault(name, []).append(made[name])
    return found


def read(
    reader: Reader, question: str, shown: Sequence[Shown], headings: Sequence[str]
) -> list[float]:
    """What the reader thinks of the first passages."""
    pages = [
        Page(passage.text, tuple(sentence_spans(passage.text)), heading)
        for passage, heading in zip(shown[: max(DEPTHS)], headings, strict=False)
    ]
    return [reading.answerable for reading in reader.read(question, pages)]


def of_each_way(
    asked: Asked, shown: Sequence[Shown], opinions: Sequence[float]
) -> Iterator[tuple[str, dict[str, float]]]:
    """One question's figures in each way's order."""
    spans = tuple(GoldSpan(gold.document, *gold.span) for gold in asked.gold if gold.span)
    gold = Gold({gold.document: 1.0 for gold in asked.gold}, spans)
    for way, places in orders(opinions).items():
        yield way, of_question([shown[at] for at in places if at < len(shown)], gold)


def cell(figure: str, values: list[float], before: list[float]) -> str:
    """A figure with its difference to the search's own order."""
    strata = [""] * len(values)
    one = mean_intervals({figure: values}, strata)[figure]
    less = paired_differences({figure: values}, {figure: before}, strata)[figure]
    return f"{figure} {one.value:.3f} ({less.value:+.3f} [{less.low:+.3f}, {less.high:+.3f}])"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=60)
    arguments = parser.parse_args()
    reader = Reader(arguments.weights)
    vectors, unseen = (
        Vectors(arguments.vectors, LocalEmbedder("all-MiniLM-L6-v2")),
        Unseen(arguments.data),
    )
    for name, size in SETS.items():
        taken = read_set(arguments.data, name, vectors, unseen, size)
        asked = [one for one in taken.questions if one.gold][: arguments.questions]
        found = figures(taken, asked, reader)
        print(f"\n{name}, {len(asked)} questions")
        for way, of_way in found.items():
            cells = [
                cell(figure, of_way[figure], found["search"][figure])
                for figure in FIGURES
                if figure in of_way
            ]
            print(f"  {way:10} {'   '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
