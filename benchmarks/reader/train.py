"""Train the small reader.

    python -m benchmarks.reader.train ../shared/data --out DIR
    python -m benchmarks.reader.train ../shared/data --out DIR --pairs 12000 --made-up 6000

Two stages: questions that are made up of passages by rule, then the real ones with the hard
negatives of ``pairs`` and some made-up ones among them. The weights of the last part of the second
stage are averaged. Writes reader.pt and trained.json into the folder. Equal arguments draw equal
pairs; the sums of a run on other cores differ in their last digits.
"""

import argparse
import copy
import json
import math
import platform
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.reader.encoding import Encoded, Synonyms, batch, encode
from benchmarks.reader.mining import neighbours
from benchmarks.reader.network import ReaderNetwork, loss
from benchmarks.reader.pairs import Mixture, Pair
from benchmarks.reader.sets import Sets, load
from knowledge.retrieval.models import BUNDLED, tokenizer_file
from knowledge.retrieval.reader.encoding import SEP, PairEncoder

LONGEST = 256  # tokens of a pair
BATCH = 24
POOL = 40  # batches drawn at once and sorted by length, so that little is padding
SYNONYMS = 0.1  # of a question's words, in half of the pairs
MASKED = 0.06  # of a passage's tokens, in half of the pairs
MASK = 103
# Parts of the second stage. Questions of squad2 have near-misses that people wrote.
SHARES = {
    "squad2": 0.50, "xquad": 0.13, "made": 0.14, "canard": 0.08, "faq_quebec": 0.06,
    "scifact": 0.04, "stranger": 0.05,
}  # fmt: skip
AVERAGED = 0.4  # the last part of the second stage, whose weights are averaged
AVERAGE_EVERY = 20  # steps
SNAPSHOT_EVERY = 200  # steps: what is kept of a run that is killed


@dataclass(frozen=True)
class Stage:
    name: str
    pairs: int
    rate: float


class Feed:
    """Batches of pairs, encoded, of like length."""

    def __init__(self, encoder: PairEncoder, synonyms: Synonyms, seed: int) -> None:
        self.encoder, self.synonyms, self.rng = encoder, synonyms, random.Random(seed)
        self.counts: Counter[str] = Counter()

    def batches(self, draw: Callable[[], Pair], pairs: int) -> Iterator[dict[str, torch.Tensor]]:
        left = pairs
        while left > 0:
            pool = [self._one(draw) for _ in range(min(left, BATCH * POOL))]
            left -= len(pool)
            pool.sort(key=lambda each: len(each.ids))
            cuts = [pool[at : at + BATCH] for at in range(0, len(pool), BATCH)]
            self.rng.shuffle(cuts)
            yield from map(batch, cuts)

    def _one(self, draw: Callable[[], Pair]) -> Encoded:
        while True:
            pair = draw()
            made = encode(pair, self.encoder, LONGEST)
            if made is None:
                continue
            self.counts[f"{pair.source} {'answerable' if pair.answers else 'not'}"] += 1
            share = SYNONYMS if self.rng.random() < 0.5 else 0.0
            made.ids[:] = self.synonyms.change(made.ids, made.second, share, self.rng)
            masked = MASKED if self.rng.random() < 0.5 else 0.0
            for at in range(made.second, len(made.ids) - 1):
                if self.rng.random() < masked and made.ids[at] != SEP:
                    made.ids[at] = MASK
            return made


class Average:
    """The mean of the weights of several steps."""

    def __init__(self) -> None:
        self.sums: dict[str, torch.Tensor] | None = None
        self.count = 0

    def add(self, network: torch.nn.Module) -> None:
        state = {name: x.detach().double() for name, x in network.state_dict().items()}
        self.count += 1
        if self.sums is None:
            self.sums = copy.deepcopy(state)
            return
        for name, value in state.items():
            self.sums[name] += value

    def load_into(self, network: torch.nn.Module) -> None:
        if self.sums is not None:
            own = network.state_dict()
            network.load_state_dict(
                {name: (x / self.count).to(own[name].dtype) for name, x in self.sums.items()}
            )


def optimizer(network: ReaderNetwork, rate: float) -> torch.optim.Optimizer:
    """The heads are new: they learn five times as fast."""
    heads = [*network.judge.parameters(), *network.pointer.parameters()]
    groups = [{"params": network.body.parameters(), "lr": rate}, {"params": heads, "lr": 5 * rate}]
    return torch.optim.AdamW(groups, weight_decay=0.01)


def run(
    network: ReaderNetwork,
    stage: Stage,
    batches: Iterator[dict[str, torch.Tensor]],
    average: Average | None,
    snapshot: Path,
) -> None:
    network.train()
    total = math.ceil(stage.pairs / BATCH)
    stepper = optimizer(network, stage.rate)
    warm = max(1, total // 15)
    plan = torch.optim.lr_scheduler.LambdaLR(
        stepper, lambda at: min((at + 1) / warm, max(0.02, (total - at) / (total - warm + 1)))
    )
    started, seen, sums = time.monotonic(), 0, 0.0
    for step, given in enumerate(batches, 1):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            judged, pointed = network(given["ids"], given["mask"], given["types"])
        value = loss(judged, pointed, given)
        stepper.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        stepper.step()
        plan.step()
        seen += len(given["ids"])
        sums += value.item()
        if average and step > total * (1 - AVERAGED) and step % AVERAGE_EVERY == 0:
            average.add(network)
        if step % SNAPSHOT_EVERY == 0:
            torch.save(network.state_dict(), snapshot)
        if step % 50 == 0:
            speed = seen / (time.monotonic() - started)
            said = f"loss {sums / 50:.3f} {speed:.1f} pairs/s"
            print(stage.name, f"{step}/{total}", said, flush=True)
            sums = 0.0


def drawer(mixture: Mixture) -> Callable[[], Pair]:
    names = list(SHARES)

    def draw() -> Pair:
        name = mixture.rng.choices(names, [SHARES[x] for x in names])[0]
        if name == "made":
            return mixture.made_up()
        return mixture.stranger() if name == "stranger" else mixture.real(name)

    return draw


def train(sets: Sets, given: argparse.Namespace) -> tuple[ReaderNetwork, dict[str, Any]]:
    torch.manual_seed(given.seed)
    torch.set_num_threads(given.threads)
    started = time.monotonic()
    network = ReaderNetwork()
    encoder = PairEncoder.load(tokenizer_file(BUNDLED))
    table = network.body.embeddings.word_embeddings.weight.detach()
    feed = Feed(encoder, Synonyms(table, encoder.tokenizer), given.seed)
    mixture = Mixture(sets, given.seed)
    if given.start:
        network.load_state_dict(torch.load(given.start, weights_only=True))
    else:
        first = Stage("made-up", given.made_up, 1e-4)
        run(
            network,
            first,
            feed.batches(mixture.made_up, first.pairs),
            None,
            given.out / "snapshot.pt",
        )
        torch.save(network.state_dict(), given.out / "made_up.pt")
    mixture.neighbours = neighbours(sets, given.out / "neighbours.json")
    second = Stage("real", given.pairs, given.rate)
    average = Average()
    run(
        network,
        second,
        feed.batches(drawer(mixture), second.pairs),
        average,
        given.out / "snapshot.pt",
    )
    average.load_into(network)
    about = {
        "minutes": round((time.monotonic() - started) / 60, 1),
        "seed": given.seed,
        "made_up_pairs": 0 if given.start else given.made_up,
        "pairs": given.pairs,
        "rate": given.rate,
        "drawn": dict(sorted(feed.counts.items())),
        "questions": dict(Counter(x.name for x in sets.trained)),
        "held_out": sorted({x.article for x in sets.held_out}),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    return network, about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--made-up", type=int, default=24_000, help="pairs of the first stage")
    parser.add_argument("--pairs", type=int, default=48_000, help="pairs of the second stage")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", type=Path, help="weights of an earlier first stage")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    network, about = train(load(given.data), given)
    torch.save(network.state_dict(), given.out / "reader.pt")
    (given.out / "trained.json").write_text(json.dumps(about, indent=2) + "\n")
    print(json.dumps(about, indent=2))


if __name__ == "__main__":
    main()
