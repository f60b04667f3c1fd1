"""Fit chat/generation/support/weights.json, and say how well it tells supported sentences apart.

    python -m benchmarks.fit_support ../shared/data [--cache FOLDER] [--write]

Trained on support_summedits and support_scifact, and on sentences of real passages as they stand,
a little rephrased and made false (``benchmarks.mutations``). Reported are out-of-fold figures: ten
folds, no document (claim) in two of them, so nothing is reported on what it was trained on. The
weights that are written are fitted on all of it. Every set and label weighs the same.
"""

import argparse
import hashlib
import json
import pickle
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.native import limit_threads

limit_threads()

import numpy as np  # noqa: E402 - after the native libraries' environment

from benchmarks.fit_calibration import balanced  # noqa: E402
from benchmarks.mutations import mutants, rephrased  # noqa: E402
from benchmarks.public_set import read  # noqa: E402
from benchmarks.support_mutations import sample  # noqa: E402
from chat.generation.support import figures  # noqa: E402
from knowledge.retrieval.embedder import LocalEmbedder  # noqa: E402
from knowledge.retrieval.metrics import auc  # noqa: E402
from knowledge.retrieval.regression import fit  # noqa: E402

FOLDS = 10
SEED = 5
MADE_OF = ("handbook_tts", "squad2")
SENTENCES = 150  # of each of these sets; each gives up to a dozen pairs
WRITTEN = Path(__file__).parents[1] / "chat/generation/support/weights.json"
# A verdict is given where such a share is right, true and false sentences being equally many.
SURE = 0.8


@dataclass
class Pair:
    name: str  # of the set
    domain: str
    document: str
    sentence: str
    passage: str
    is_supported: bool


def summedits(data: Path) -> list[Pair]:
    return [
        Pair("summedits", x["domain"], x["document"], x["sentence"], x["passage"], x["supported"])
        for x in read(data / "support_summedits" / "sentences.jsonl.gz")
    ]


def scifact(data: Path) -> list[Pair]:
    return [
        Pair("scifact", x["kind"], x["claim"], x["sentence"], x["passage"], x["supported"])
        for x in read(data / "support_scifact" / "sentences.jsonl.gz")
    ]


def made(data: Path) -> list[Pair]:
    """Sentences of passages: as they stand, rephrased, and false in one place."""
    rng = random.Random(SEED)
    found = []
    for name in MADE_OF:
        for sentence, passage in sample(data, name, SENTENCES):
            true = [sentence, *(text for _, text in rephrased(sentence, rng))]
            found += [
                Pair("made", name, passage, text, passage, is_supported=True) for text in true
            ]
            for mutant in mutants(sentence, passage, [], rng):
                text, changed = mutant.sentence, mutant.passage
                found.append(Pair("made", name, passage, text, changed, is_supported=False))
    return found


def measured(pairs: Sequence[Pair], cache: Path | None) -> np.ndarray:
    """All figures of all pairs."""
    weighed = [figures.weigh_texts(pair.sentence, [(pair.passage, "")]) for pair in pairs]
    embedder = LocalEmbedder("all-MiniLM-L6-v2")
    kept = cache / "support.pickle" if cache else None
    known: dict[str, np.ndarray] = {}
    if kept and kept.is_file():
        known = pickle.loads(kept.read_bytes())  # our own file, of the run before

    def embed(texts: Sequence[str]) -> np.ndarray:
        new = [text for text in texts if text not in known]
        known.update(zip(new, embedder.embed_passages(new), strict=True) if new else ())
        return np.stack([known[text] for text in texts])

    found = np.array(figures.meanings(weighed, embed))
    if kept:
        kept.write_bytes(pickle.dumps(known))
    return found


def fold_of(pair: Pair) -> int:
    named = f"{pair.name}/{pair.document}".encode()
    return int.from_bytes(hashlib.blake2b(named, digest_size=4).digest(), "big") % FOLDS


def out_of_fold(pairs: Sequence[Pair], matrix: np.ndarray) -> np.ndarray:
    """Chances by weights that never saw the pair's document."""
    labels = np.array([float(pair.is_supported) for pair in pairs])
    folds = np.array([fold_of(pair) for pair in pairs])
    chances = np.zeros(len(pairs))
    for fold in range(FOLDS):
        rest = np.flatnonzero(folds != fold)
        weights = balanced([(pairs[i].name, pairs[i].is_supported) for i in rest])
        beta = fit(matrix[rest], labels[rest], weights)
        held = folds == fold
        chances[held] = 1 / (1 + np.exp(-(matrix[held] @ beta[:-1] + beta[-1])))
    return chances


def area(chances: np.ndarray, labels: np.ndarray) -> float:
    return auc(chances[labels == 1], chances[labels == 0])


def accuracy(chances: np.ndarray, labels: np.ndarray) -> float:
    """Balanced accuracy at one half, which no set was used to choose."""
    right = [np.mean((chances >= 0.5)[labels == label] == label) for label in (0, 1)]
    return float(np.mean(right))


def report(title: str, pairs: Sequence[Pair], chances: np.ndarray) -> None:
    labels = np.array([int(pair.is_supported) for pair in pairs])
    print(f"\n{title}")
    for name in ("summedits", "scifact", "made"):
        of_set = np.array([pair.name == name for pair in pairs])
        shown, known = chances[of_set], labels[of_set]
        print(f"  {name:28} n={of_set.sum():5}  AUC {area(shown, known):.3f}"
              f"  balanced accuracy {accuracy(shown, known):.3f}")  # fmt: skip
    for domain in sorted({pair.domain for pair in pairs if pair.name == "summedits"}):
        inside = np.array([pair.name == "summedits" and pair.domain == domain for pair in pairs])
        print(f"    {domain:26} n={inside.sum():5}  AUC {area(chances[inside], labels[inside]):.3f}"
              f"  balanced accuracy {accuracy(chances[inside], labels[inside]):.3f}")  # fmt: skip


def lines(pairs: Sequence[Pair], matrix: np.ndarray, chances: np.ndarray) -> tuple[float, float]:
    """(above it supported, below it not): the widest zones that are right often enough.

    Sentences that the deterministic checks decide are left out: the lines are for the others.
    """
    facts, turned = figures.NAMES.index("facts_missing"), figures.NAMES.index("turned")
    open_ones = np.flatnonzero((matrix[:, facts] == 0) & (matrix[:, turned] == 0))
    weights = balanced([(pair.name, pair.is_supported) for pair in pairs])[open_ones]
    pairs, chances = [pairs[at] for at in open_ones], chances[open_ones]
    labels = np.array([int(pair.is_supported) for pair in pairs])
    grid = np.arange(0.05, 0.96, 0.01)
    above = [line for line in grid if _share(chances >= line, labels == 1, weights) >= SURE]
    below = [line for line in grid if _share(chances < line, labels == 0, weights) >= SURE]
    return float(min(above, default=0.95)), float(max(below, default=0.05))


def _share(chosen: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    total = weights[chosen].sum()
    return float(weights[chosen & right].sum() / total) if total else 0.0


def verdicts(pairs: Sequence[Pair], chances: np.ndarray, found: tuple[float, float]) -> None:
    print(f"\nlines: supported from {found[0]:.2f}, not supported below {found[1]:.2f}")
    for name in ("summedits", "scifact", "made"):
        for label in (True, False):
            held = np.array([p.name == name and p.is_supported == label for p in pairs])
            shown = chances[held]
            print(f"  {name:10} {'supported' if label else 'not supported':14}"
                  f"  green {np.mean(shown >= found[0]):.3f}"
                  f"  cannot tell {np.mean((shown < found[0]) & (shown >= found[1])):.3f}"
                  f"  marked {np.mean(shown < found[1]):.3f}")  # fmt: skip


def stored(names: Sequence[str], matrix: np.ndarray, pairs: Sequence[Pair]) -> dict[str, object]:
    labels = np.array([float(pair.is_supported) for pair in pairs])
    beta = fit(matrix, labels, balanced([(pair.name, pair.is_supported) for pair in pairs]))
    chances = out_of_fold(pairs, matrix)
    supported, unsupported = lines(pairs, matrix, chances)
    weights = {name: round(float(value), 3) for name, value in zip(names, beta, strict=False)}
    return {
        "weights": weights,
        "intercept": round(float(beta[-1]), 3),
        "supported_from": round(supported, 2),
        "unsupported_below": round(unsupported, 2),
        "out_of_fold_auc": {
            name: round(area(chances[of_set], labels[of_set]), 3)
            for name in ("summedits", "scifact", "made")
            for of_set in [np.array([pair.name == name for pair in pairs])]
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--write", action="store_true", help="write weights.json")
    given = parser.parse_args()
    pairs = [*summedits(given.data), *scifact(given.data), *made(given.data)]
    matrix = measured(pairs, given.cache)
    alone = len(figures.NAMES)
    report("word coverage alone", pairs, matrix[:, 0])
    found: dict[str, object] = {}
    for title, names in (("by_words", figures.NAMES), ("with_meaning", figures.WITH_MEANING)):
        part = matrix[:, : len(names)]
        chances = out_of_fold(pairs, part)
        report(title, pairs, chances)
        found[title] = stored(names, part, pairs)
        verdicts(pairs, chances, lines(pairs, part, chances))
        print(json.dumps(found[title], indent=1))
    assert alone < matrix.shape[1]
    if given.write:
        about = (
            "Fitted by benchmarks/fit_support.py on support_summedits (1,605 pairs), "
            "support_scifact (607) and "
            f"{sum(p.name == 'made' for p in pairs):,} sentences made of handbook_tts "
            "and squad2; every set and label weighs the same. AUC out of fold, by document. The "
            "cosines are all-MiniLM-L6-v2's."
        )
        WRITTEN.write_text(json.dumps({"about": about, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
