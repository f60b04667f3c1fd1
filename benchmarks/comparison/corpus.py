"""Texts, their vectors and questions about them: made once in a folder that nobody commits.

texts.jsonl    {"text", "source"} a line: passages of about 100 words, shuffled, each once
vectors/       0000000.npy, 0001000.npy …: the bundled model's vectors of 1,000 texts each
neighbours.npy for each vector the rows of its nearest other ones
"""

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from lxml import html

PART = 1000
LEAST_WORDS, MOST_WORDS = 95, 135
_MOST_OF_A_FOLDER = 14_000  # passages: no single package shall be the corpus
_NEAR = 8
_LETTERS = 0.6  # of a passage: tables of numbers and code listings are not what people ask about
_LINE_ENDERS = ("p", "div", "li", "dt", "dd", "pre", "h1", "h2", "h3", "h4", "h5", "tr", "br")
_FURNITURE = (
    "//script|//style|//nav|//header|//footer|//*[contains(@class,'nav') or "
    "contains(@class,'sidebar') or contains(@class,'footer') or contains(@class,'related')]"
)


def extract(sources: Iterable[Path], folder: Path) -> int:
    """Passages out of HTML and text files below some folders, into texts.jsonl."""
    passages: dict[bytes, dict[str, str]] = {}
    for source in sources:
        files = [path for path in sorted(source.rglob("*")) if _is_wanted(path)]
        random.Random(1).shuffle(files)
        found = 0
        for path in files:
            for text in _passages(path):
                key = hashlib.blake2b(" ".join(text.lower().split()).encode()).digest()
                found += key not in passages
                passages.setdefault(key, {"text": text, "source": path.name})
            if found > _MOST_OF_A_FOLDER:
                break
        print(f"{source.name}: {found} passages", flush=True)
    lines = list(passages.values())
    random.Random(7).shuffle(lines)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "texts.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return len(lines)


def _is_wanted(path: Path) -> bool:
    names = (".html", ".htm", ".html.gz", ".txt", ".txt.gz", ".md", ".rst")
    return path.name.endswith(names) and path.is_file() and not path.is_symlink()


def _passages(path: Path) -> Iterator[str]:
    """Lines of a file in runs of about 100 words."""
    words: list[str] = []
    for line in _lines(path):
        for word in line.split():
            words.append(word)
            if len(words) == MOST_WORDS:
                break
        if len(words) >= LEAST_WORDS:
            text = " ".join(words)
            words = []
            if sum(map(str.isalpha, text)) > _LETTERS * len(text) and text.isascii():
                yield text


def _lines(path: Path) -> list[str]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if ".htm" not in path.name:
        return data.decode("utf-8", "replace").splitlines()
    try:
        tree = html.document_fromstring(data)
    except (html.etree.ParserError, ValueError):
        return []
    for element in tree.xpath(_FURNITURE):
        if element.getparent() is not None:
            element.drop_tree()
    for element in tree.iter(*_LINE_ENDERS):
        element.tail = "\n" + (element.tail or "")
    return str(tree.text_content()).splitlines()


def texts(folder: Path, count: int | None = None) -> list[str]:
    found = []
    with (folder / "texts.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            if count is not None and len(found) == count:
                break
            found.append(json.loads(line)["text"])
    return found


def embed(folder: Path, count: int, embedder: Any) -> None:
    """The vectors of the first texts, 1,000 at a time; what is there is not made again."""
    (folder / "vectors").mkdir(exist_ok=True)
    every = texts(folder, count)
    for at in range(0, len(every), PART):
        path = folder / "vectors" / f"{at:07d}.npy"
        if not path.exists():
            temporary = path.with_suffix(".tmp.npy")
            np.save(temporary, embedder.embed_passages(every[at : at + PART]))
            temporary.rename(path)
            print(f"vectors of {at + PART} texts", flush=True)


def real_vectors(folder: Path) -> np.ndarray:
    parts = sorted(path for path in (folder / "vectors").glob("*.npy") if path.stem.isdigit())
    if not parts:
        raise SystemExit(f"There are no vectors in {folder}: run `prepare` first.")
    return np.concatenate([np.load(path) for path in parts]).astype(np.float32)


class Corpus:
    """Any number of passages with vectors: the real ones first, then ones made in their likeness.

    A made vector lies between a real one and a neighbour of it, moved by the difference of two
    other neighbours: it keeps the real ones' local structure, which vectors of random numbers lack
    (any index looks worse or better on those than it is). A made text is the first half of one
    passage and the second half of another.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts = texts(folder)
        self._real = real_vectors(folder)
        self._near: np.ndarray | None = None

    def text(self, number: int) -> str:
        every = self.texts
        if number < len(every):
            return every[number]
        draw = random.Random(number)
        first, second = draw.choice(every).split(), draw.choice(every).split()
        return " ".join(first[: len(first) // 2] + second[len(second) // 2 :])

    def vectors(self, start: int, end: int) -> np.ndarray:
        """Unit vectors of some rows, float32, always the same ones."""
        first = start - start % PART
        parts = [self._part(at) for at in range(first, end, PART)]
        return np.concatenate(parts)[start - first : end - first]

    def _part(self, at: int) -> np.ndarray:
        """Rows ``at`` to ``at + PART``."""
        real = self._real
        if at + PART <= len(real):
            return real[at : at + PART]
        near, draw = self._neighbours(), np.random.default_rng(at)
        base, other = draw.integers(0, len(real), (2, PART))
        pick = draw.integers(0, near.shape[1], (3, PART))
        towards = real[near[base, pick[0]]] - real[base]
        aside = real[near[other, pick[1]]] - real[near[other, pick[2]]]
        share = draw.uniform(0.1, 0.6, (2, PART, 1)).astype(np.float32)
        made = real[base] + share[0] * towards + share[1] * aside
        unit: np.ndarray = made / np.linalg.norm(made, axis=1, keepdims=True)
        return unit

    def _neighbours(self) -> np.ndarray:
        if self._near is None:
            path = self.folder / f"neighbours-{len(self._real)}.npy"
            if not path.exists():
                np.save(path, _nearest(self._real))
            self._near = np.load(path)
        return self._near


def _nearest(vectors: np.ndarray) -> np.ndarray:
    """For each vector the rows of its nearest other ones, by blocks of a matrix product."""
    found = []
    for at in range(0, len(vectors), PART):
        products = vectors[at : at + PART] @ vectors.T
        best = np.argpartition(-products, _NEAR + 1, axis=1)[:, : _NEAR + 1]
        own = np.arange(at, at + len(best))[:, None]
        # The vector itself goes to the end, where it is cut off.
        order = np.argsort(best == own, axis=1, kind="stable")
        found.append(np.take_along_axis(best, order, axis=1)[:, :_NEAR])
    return np.concatenate(found).astype(np.int32)


def questions(every: list[str], indexed: int, seed: int) -> Iterator[str]:
    """Endless fragments of 5 to 9 words, half of them out of passages that are not indexed."""
    draw = random.Random(seed)
    outside = every[indexed:] or every
    while True:
        words = re.findall(r"\w[\w'-]*", draw.choice(draw.choice((every[:indexed], outside))))
        size = draw.randint(5, 9)
        at = draw.randrange(max(1, len(words) - size))
        if len(words) >= size:
            yield " ".join(words[at : at + size])
