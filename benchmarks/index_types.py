"""Recall, CPU time and latency of the vector index at several sizes, for readers of all shares.

    python -m benchmarks.index_types FOLDER --sizes 10000 100000

FOLDER holds real passage vectors as ``*.npy`` (n, dimension), unit length, in the order of their
documents, and may hold ``queries.npy`` with vectors of real questions; without it the last real
vectors are kept out and asked for. Vectors beyond the real ones follow their local structure: a
step from one passage towards a neighbour, plus the difference between two other neighbours.

Every figure of a size comes out of one run, beside FAISS's exact scan and its HNSW graph on the
same vectors, since only the ratios say something about another machine. Set OMP_NUM_THREADS=1, as
the product does.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import faiss
import numpy as np

from knowledge.retrieval.backends.audience import Allowed
from knowledge.retrieval.backends.files import FileIndex, FilesEngine, IndexRow

TOP = 10
PER_DOCUMENT = 10  # passages
NEIGHBOURS = 8
SEED = 1
SHARES = (0.5, 0.01, 0.001)
BLOCK = 50_000

Vectors = np.ndarray[Any, np.dtype[np.float32]]
Search = Callable[[Vectors, Any], list[int]]


def main() -> None:
    arguments = _arguments()
    real, queries = load(arguments.folder, arguments.queries)
    print(f"{len(real)} real vectors of {real.shape[1]} numbers, {len(queries)} questions")
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
            vectors = enlarge(real, size, Path(scratch) / "all.f32")
            measure(vectors, queries, Path(scratch), arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--without-hnsw", action="store_true", help="it takes minutes at 1,000,000")
    parser.add_argument("--scratch", type=Path, help="a folder with 4 kB of room for each vector")
    return parser.parse_args()


def load(folder: Path, count: int) -> tuple[Vectors, Vectors]:
    """Real vectors and questions."""
    asked = folder / "queries.npy"
    parts = [np.load(path) for path in sorted(folder.glob("*.npy")) if path != asked]
    real = np.concatenate(parts).astype(np.float32)
    if asked.exists():
        return real, np.load(asked).astype(np.float32)[:count]
    return real[:-count], real[-count:]


def enlarge(real: Vectors, size: int, path: Path) -> Vectors:
    """Vectors in a mapped file: the real ones, then documents made out of their neighbourhoods."""
    made = np.memmap(path, np.float32, "w+", shape=(size, real.shape[1]))
    made[: len(real)] = real[:size]
    near = _neighbours(real)
    rng = np.random.default_rng(SEED)
    for start in range(len(real), size, BLOCK):
        count = min(BLOCK, size - start)
        anchors = rng.integers(0, len(real), -(-count // PER_DOCUMENT))
        a = np.repeat(anchors, PER_DOCUMENT)[:count]  # the passages of a document lie together
        b, c, d = (near[a, rng.integers(0, NEIGHBOURS, count)] for _ in range(3))
        steps = rng.random((count, 1), dtype=np.float32)
        block = real[a] + steps * (real[b] - real[a]) + real[c] - real[d]
        block += (rng.random((count, 1), dtype=np.float32) * 0.5) * (real[near[b, 0]] - real[d])
        made[start : start + count] = block / np.linalg.norm(block, axis=1, keepdims=True)
    made.flush()
    return np.asarray(made)


def _neighbours(real: Vectors) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The nearest other passages of each, without those that say the same."""
    found = np.empty((len(real), NEIGHBOURS), np.int64)
    for start in range(0, len(real), 1000):
        cosines = real[start : start + 1000] @ real.T
        cosines[cosines > 0.98] = -1
        top = np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        found[start : start + 1000] = top
    return found


@dataclass(frozen=True)
class Reader:
    """Somebody who may see a share of the documents."""

    name: str
    documents: np.ndarray[Any, np.dtype[np.int64]] | None

    def mask(self, size: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        if self.documents is None:
            return np.ones(size, np.bool_)
        return np.isin(np.arange(size) // PER_DOCUMENT, self.documents)


def readers(vectors: Vectors) -> Iterator[Reader]:
    """Everyone; then readers of documents anywhere, and of those round one subject."""
    yield Reader("100 %", None)
    rng = np.random.default_rng(SEED)
    documents = -(-len(vectors) // PER_DOCUMENT)
    middles = np.array(vectors[PER_DOCUMENT // 2 :: PER_DOCUMENT])
    closeness = np.full(documents, -1.0)
    closeness[: len(middles)] = middles @ middles[rng.integers(len(middles))]
    for share in SHARES:
        count = max(1, int(documents * share))
        name = f"{share * 100:g} %"
        yield Reader(f"{name} random", np.sort(rng.choice(documents, count, replace=False)))
        yield Reader(f"{name} related", np.sort(np.argsort(-closeness)[:count]))


def truth(vectors: Vectors, queries: Vectors, mask: Any) -> list[set[int]]:
    """The exact TOP allowed rows of each question, by blocks."""
    rows = np.flatnonzero(mask)
    best = [(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in queries]
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        scores = queries @ vectors[part].T
        for at, (held, held_scores) in enumerate(best):
            merged = np.concatenate([held, part]), np.concatenate([held_scores, scores[at]])
            top = np.argsort(-merged[1])[:TOP]
            best[at] = merged[0][top], merged[1][top]
    return [set(found.tolist()) for found, _ in best]


def measure(vectors: Vectors, queries: Vectors, scratch: Path, arguments: Any) -> None:
    size = len(vectors)
    everybody = list(readers(vectors))
    masks = [reader.mask(size) for reader in everybody]
    exact = [truth(vectors, queries, mask) for mask in masks]
    print(f"\n## {size} x {vectors.shape[1]}\n")
    columns = ["index", "build s", "bytes", *(f"{r.name}: recall / CPU ms" for r in everybody)]
    columns += ["one caller p50 / p99 ms", f"{arguments.callers} callers p50 / p99 ms / qps"]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    contenders = [_product, _flat] if arguments.without_hnsw else [_product, _flat, _hnsw]
    for contender in contenders:
        began = time.perf_counter()
        name, room, search, audience = contender(vectors, scratch)
        built = time.perf_counter() - began
        cells = [name, f"{built:.1f}", f"{room / size:.0f}"]
        for reader, mask, right in zip(everybody, masks, exact, strict=True):
            allowed = audience(reader, mask)
            recall, cpu = _quality(search, queries, allowed, right)
            cells.append(f"{recall:.4f} / {cpu:.2f}")
        allowed = audience(everybody[0], masks[0])
        cells.append(_callers(search, queries, allowed, 1).rpartition(" / ")[0])
        cells.append(_callers(search, queries, allowed, arguments.callers))
        print("| " + " | ".join(cells) + " |", flush=True)


def _quality(search: Search, queries: Vectors, allowed: Any, right: list[set[int]]) -> Any:
    """Recall, and the process's CPU milliseconds for a question: the best of three rounds."""
    hits = wanted = 0
    for query, expected in zip(queries, right, strict=True):
        hits += len(expected.intersection(search(query, allowed)[:TOP]))
        wanted += len(expected)
    rounds = []
    for _ in range(3):
        began = time.process_time()
        for query in queries:
            search(query, allowed)
        rounds.append((time.process_time() - began) / len(queries) * 1000)
    return hits / max(wanted, 1), min(rounds)


def _callers(search: Search, queries: Vectors, allowed: Any, callers: int) -> str:
    """p50 / p99 ms / questions a second of so many threads, for about three seconds."""
    times: list[float] = []
    stop = time.perf_counter() + 3

    def ask(offset: int) -> None:
        at = offset
        while (began := time.perf_counter()) < stop:
            search(queries[at % len(queries)], allowed)
            times.append(time.perf_counter() - began)
            at += 1

    threads = [threading.Thread(target=ask, args=(number * 7,)) for number in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(times) / (time.perf_counter() - began)
    p50, p99 = np.percentile(np.array(times) * 1000, [50, 99])
    return f"{p50:.2f} / {p99:.2f} / {rate:.0f}"


Contender = tuple[str, int, Search, Callable[[Reader, Any], Any]]


def _product(vectors: Vectors, scratch: Path) -> Contender:
    """A whole release without words, asked as the product asks it."""
    rows = (
        IndexRow(uuid.UUID(int=at + 1), at // PER_DOCUMENT, 1, "", "", "", vector)
        for at, vector in enumerate(vectors)
    )
    engine = FilesEngine(scratch)
    engine.build("release", rows, vectors.shape[1], {})
    index: FileIndex = engine.open("release")
    files = [path for path in (scratch / "release").iterdir() if path.name.startswith("base.")]
    kind = "codes" if any(path.suffix == ".codes" for path in files) else "exact"

    def search(query: Vectors, allowed: Allowed) -> list[int]:
        return [hit.row for hit in index.dense(query, allowed, TOP)]

    room = sum(path.stat().st_size for path in files)
    return f"Footnote ({kind})", room, search, lambda reader, _: index.allow(reader.documents)


def _flat(vectors: Vectors, _: Path) -> Contender:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return "IndexFlatIP", vectors.nbytes, *_plain(index, faiss.SearchParameters)


def _hnsw(vectors: Vectors, _: Path) -> Contender:
    index = faiss.IndexHNSWFlat(vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    faiss.omp_set_num_threads(2)
    index.add(vectors)
    faiss.omp_set_num_threads(1)

    def parameters(**given: Any) -> Any:
        return faiss.SearchParametersHNSW(efSearch=128, **given)

    return "HNSW16, efSearch 128", vectors.nbytes + len(vectors) * 144, *_plain(index, parameters)


def _plain(index: Any, parameters: Callable[..., Any]) -> tuple[Search, Any]:
    def search(query: Vectors, allowed: Any) -> list[int]:
        given, *_kept = allowed
        _, found = index.search(query[None], TOP, params=given)
        return [row for row in found[0].tolist() if row >= 0]

    def audience(reader: Reader, mask: Any) -> Any:
        if reader.documents is None:
            return (parameters(),)
        bits = np.packbits(mask, bitorder="little")
        selector = faiss.IDSelectorBitmap(bits)
        return parameters(sel=selector), selector, bits  # FAISS keeps bare pointers

    return search, audience


if __name__ == "__main__":
    main()
