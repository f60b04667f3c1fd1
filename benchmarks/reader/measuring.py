"""What the exported reader says on questions that it was not trained on."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.reader.sets import Question, sentences
from knowledge.retrieval.reader import Page, Reader, Reading
from knowledge.retrieval.reader.weights import ABOUT, GRAPH, Calibration, verified


@dataclass(frozen=True)
class Read:
    question: Question
    reading: Reading
    right: tuple[bool, ...]  # of each sentence: holds an answer


def page(question: Question, *, with_heading: bool = False) -> Page:
    spans = tuple(sentences(question.passage))
    return Page(question.passage, spans, question.heading if with_heading else "")


def read_all(reader: Reader, questions: Sequence[Question]) -> list[Read]:
    """Each question with its own passage."""
    found = []
    for each in questions:
        read = page(each)
        (reading,) = reader.read(each.question, [read])
        right = tuple(any(a < y and b > x for x, y in each.answers) for a, b in read.spans)
        found.append(Read(each, reading, right))
    return found


def first_is_right(read: Sequence[Read]) -> float:
    """The share of answerable questions whose best sentence holds the answer."""
    asked = [x for x in read if x.question.answers]
    return float(np.mean([x.right[int(np.argmax(x.reading.sentences))] for x in asked]))


def with_calibration(folder: Path, calibration: Calibration, longest: int) -> Reader:
    """The reader of a folder with other constants than its own."""
    about = json.loads((folder / ABOUT).read_text())
    with tempfile.TemporaryDirectory() as other:
        (Path(other) / GRAPH).symlink_to((folder / GRAPH).resolve())
        (Path(other) / ABOUT).write_text(json.dumps({**about, "calibration": asdict(calibration)}))
        return Reader(Path(other), longest=longest)


def log_odds(chances: Sequence[float]) -> np.ndarray:
    clipped = np.clip(np.asarray(chances, dtype=np.float64), 1e-12, 1 - 1e-12)
    found: np.ndarray = np.log(clipped / (1 - clipped))
    return found


def features(
    folder: Path, questions: Sequence[Question], temperature: float, longest: int
) -> np.ndarray:
    """Of each question with its passage: the judge's logit and the pointers' log-odds."""
    columns = []
    for judged, pointed in ((1.0, 0.0), (0.0, 1.0)):
        by = Calibration(bias=0.0, judged=judged, pointed=pointed, temperature=temperature)
        read = read_all(with_calibration(folder, by, longest), questions)
        columns.append(log_odds([x.reading.answerable for x in read]))
    return np.stack(columns, axis=1)


def sentence_loss(
    folder: Path, questions: Sequence[Question], temperature: float, longest: int
) -> float:
    """Mean negative logarithm of the chance of the right sentences, the page being answerable."""
    by = replace(verified(folder).calibration, bias=50.0, temperature=temperature)
    read = read_all(with_calibration(folder, by, longest), questions)
    chances = [
        sum(x for x, is_right in zip(r.reading.sentences, r.right, strict=True) if is_right)
        for r in read
        if r.question.answers
    ]
    return float(-np.log(np.maximum(chances, 1e-4)).mean())


def wandered(questions: Sequence[Question]) -> list[Question]:
    """Answerable questions with the next paragraph of the same article, which does not answer."""
    found = []
    for article in sorted({x.article for x in questions}):
        asked = [x for x in questions if x.article == article]
        passages = list(dict.fromkeys(x.passage for x in asked))
        for each in asked:
            other = passages[(passages.index(each.passage) + 1) % len(passages)]
            said = {each.passage[a:b].lower() for a, b in each.answers}
            if said and other != each.passage and not any(x in other.lower() for x in said):
                found.append(replace(each, passage=other, answers=()))
    return found
