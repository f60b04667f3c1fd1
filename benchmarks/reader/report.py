"""The tables of docs/reader.md: how good the exported reader is, and how long it takes.

    python -m benchmarks.reader.report ../shared/data [--weights FOLDER] [--longest 112 256]

On squad2's held-out articles; and on handbook_tts and mtrag, never trained on, with the passages
that search finds for each question (all-MiniLM-L6-v2 and BM25 over 220-token chunks).
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.native import limit_threads

limit_threads()

import numpy as np  # noqa: E402 - after the native libraries' environment

from benchmarks.reader.measuring import first_is_right, read_all, wandered  # noqa: E402
from benchmarks.reader.mining import ranking  # noqa: E402
from benchmarks.reader.sets import Question, Span, load, read, sentences  # noqa: E402
from knowledge.ingestion.markdown import outline  # noqa: E402
from knowledge.ingestion.splitter import SplitterConfig, split  # noqa: E402
from knowledge.ingestion.types import Extracted  # noqa: E402
from knowledge.retrieval.embedder import LocalEmbedder  # noqa: E402
from knowledge.retrieval.metrics import auc  # noqa: E402
from knowledge.retrieval.reader import BUNDLED, Page, Reader, Reading  # noqa: E402

TOP = 3  # passages of a search that are read
BINS = 5


def parted(name: str, answerable: Sequence[float], other: Sequence[float]) -> None:
    line = np.quantile(answerable, 0.05)
    refused = float(np.mean(np.asarray(other) < line))
    print(f"  {name:44} n={len(answerable)}/{len(other)}  AUC {auc(answerable, other):.3f}"
          f"  refused at 95 % kept {refused:.3f}")  # fmt: skip


def own_paragraph(reader: Reader, held_out: Sequence[Question]) -> None:
    found = read_all(reader, held_out)
    yes = [x.reading for x in found if x.question.answers]
    no = [x.reading for x in found if not x.question.answers]
    parted("near-misses, own paragraph", _whole(yes), _whole(no))
    parted("  by the best sentence alone", _best(yes), _best(no))
    astray = [x.reading for x in read_all(reader, wandered(held_out))]
    parted("next paragraph of the article", _whole(yes), _whole(astray))
    print(f"  right sentence first {first_is_right(found):.3f} of {len(yes)}")
    calibration(found)


def calibration(found: Sequence[Any]) -> None:
    chances = np.array([x.reading.answerable for x in found])
    labels = np.array([bool(x.question.answers) for x in found])
    error = 0.0
    for low in np.arange(BINS) / BINS:
        inside = (chances >= low) & (chances < low + 1 / BINS + (low + 1 / BINS >= 1))
        if inside.any():
            said, held = chances[inside].mean(), labels[inside].mean()
            error += inside.mean() * abs(said - held)
            print(f"    said {said:.2f}  held {held:.2f}  n={inside.sum()}")
    print(f"  expected calibration error {error:.3f} (fitted on these articles)")


def _whole(readings: Sequence[Reading]) -> list[float]:
    return [x.answerable for x in readings]


def _best(readings: Sequence[Reading]) -> list[float]:
    return [max(x.sentences, default=0.0) for x in readings]


def chunks(documents: Sequence[dict[str, Any]], count: Any) -> list[tuple[str, Span, Page]]:
    """(document, place in it, page) of each chunk as the product makes them."""
    found = []
    for each in documents:
        text = each["text"]
        for piece in split(Extracted(text, outline(text)), each["title"], SplitterConfig(), count):
            page = Page(piece.text, tuple(sentences(piece.text)), piece.heading or each["title"])
            start = text.find(piece.text)
            found.append((each["id"], (start, start + len(piece.text)), page))
    return found


def searched(reader: Reader, data: Path, name: str, strangers: Sequence[str]) -> None:
    """Questions with what search finds; the pages' best chance is the question's."""
    embedder = LocalEmbedder("all-MiniLM-L6-v2")
    asked = read(data / name / "questions.jsonl.gz")
    documents = read(data / name / "documents.jsonl.gz")
    pages = chunks(documents, embedder.count_tokens)
    texts = [x.get("rewrite") or x["question"] for x in asked] + list(strangers)
    ranked = ranking(texts, [f"{x[2].heading}\n{x[2].text}" for x in pages], embedder)
    chances, right = [], []
    for at, (text, row) in enumerate(zip(texts, ranked, strict=True)):
        best = [pages[number] for number in row[:TOP]]
        readings = reader.read(text, [x[2] for x in best])
        chances.append(max(_whole(readings)))
        if at < len(asked) and any("start" in x for x in asked[at]["relevant"]):
            right.append(_first_sentence(asked[at], best, readings))
    found = np.array(chances)
    known = np.array([x["answerable"] for x in asked])
    own, off = found[: len(asked)], found[len(asked) :]
    parted(f"{name}, first {TOP} found: not answerable", own[known], own[~known])
    parted(f"{name}, first {TOP} found: off-topic", own[known], off)
    if right:
        print(f"  {name}: first sentence touches the evidence {np.mean(right):.3f} of {len(right)}")


def _first_sentence(
    asked: dict[str, Any], best: Sequence[tuple[str, Span, Page]], readings: Sequence[Reading]
) -> bool:
    """Whether the best sentence of the pages read touches a gold span."""
    scored = [
        (score, document, (start + a, start + b))
        for (document, (start, _), page), reading in zip(best, readings, strict=True)
        for (a, b), score in zip(page.spans, reading.sentences, strict=True)
    ]
    _, document, (a, b) = max(scored)
    return any(
        x["document_id"] == document and "start" in x and a < x["end"] and b > x["start"]
        for x in asked["relevant"]
    )


def timed(reader: Reader, held_out: Sequence[Question], longest: int) -> None:
    """Milliseconds of one question with one page of about 220 tokens, on one core.

    By the core's own time, so that a busy machine does not count against the reader.
    """
    count = LocalEmbedder("all-MiniLM-L6-v2").count_tokens
    texts = [x.passage for x in held_out if 180 <= count(x.passage) <= 260] or [held_out[0].passage]
    took = []
    for at in range(120):
        text = texts[at % len(texts)]
        page = Page(text, tuple(sentences(text)), held_out[0].heading)
        started = time.process_time()
        reader.read(held_out[at].question, [page])
        took.append(1000 * (time.process_time() - started))
    middle, late = np.quantile(took[10:], (0.5, 0.95))
    print(f"  a page of 180 to 260 tokens, {longest} read: p50 {middle:.1f} ms, p95 {late:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=BUNDLED)
    parser.add_argument("--longest", type=int, nargs="+", default=[112, 256])
    parser.add_argument("--own-only", action="store_true", help="squad2's held-out articles alone")
    given = parser.parse_args()
    sets = load(given.data)
    strangers = [x["text"] for x in read(given.data / "offtopic_clinc" / "texts.jsonl.gz")][1::2]
    for longest in given.longest:
        reader = Reader(given.weights, longest=longest)
        print(f"\n{reader.fingerprint}, {longest} tokens at most")
        timed(reader, sets.held_out, longest)
        own_paragraph(reader, sets.held_out)
        for name in () if given.own_only else ("handbook_tts", "mtrag"):
            searched(reader, given.data, name, strangers[::4])


if __name__ == "__main__":
    main()
