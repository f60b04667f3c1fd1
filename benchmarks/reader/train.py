"""Train the small reader.

    python -m benchmarks.reader.train ../shared/data --out DIR
    python -m benchmarks.reader.train ../shared/data --out DIR --pairs 12000 --made-up 6000

    python -m benchmarks.reader.train ../shared/data --out DIR --start DIR/made_up.pt

Two stages: questions that are made up of passages by rule, then the real ones with the hard
negatives of ``pairs`` and some made-up ones among them. The weights of the last part of the second
stage are averaged. Writes reader.pt and trained.json into the folder. Equal arguments draw equal
pairs; the sums of a run on other cores differ in their last digits.

Each worker trains on one core with pairs of its own, and every few steps they take the mean of
their weights (local SGD; Stich, 2019): on cores that are shared with others this is twice as quick
as one worker on two cores, which wait for one another at every layer.
"""

import argparse
import copy
import json
import math
import platform
import random
import signal
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
from benchmarks.reader.sets import load
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
TOLD_EVERY = 25  # steps
KEPT_EVERY = 400  # steps: what is learnt so far is written, to be measured or begun with
MEET_EVERY = 8  # steps


@dataclass(frozen=True)
class Stage:
    name: str
    pairs: int  # of each worker
    rate: float
    kept: Path  # the first worker writes the weights to it now and then


@dataclass(frozen=True)
class Company:
    """Workers that take the mean of their weights now and then."""

    rank: int
    weights: torch.Tensor  # shared memory, a row a worker
    barrier: Any
    stopped: Any  # set by SIGTERM: what was learnt so far is written
    agreed: torch.Tensor  # shared memory: 1 where the first worker saw that it is set

    def meet(self, network: torch.nn.Module) -> bool:
        """Take the mean of all; returns whether to stop, the same for all."""
        with torch.no_grad():
            own = torch.nn.utils.parameters_to_vector(network.parameters())
            self.weights[self.rank] = own
            if self.rank == 0 and self.stopped.is_set():
                self.agreed[0] = 1
            self.barrier.wait()
            mean, stops = self.weights.mean(dim=0), bool(self.agreed[0])
            self.barrier.wait()
            torch.nn.utils.vector_to_parameters(mean, network.parameters())
        return stops


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
    company: Company,
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
        if step % MEET_EVERY == 0 or step == total:
            if company.meet(network):
                break
            if average and step > total * (1 - AVERAGED):
                average.add(network)
        if step % KEPT_EVERY == 0 and company.rank == 0:
            torch.save(network.state_dict(), stage.kept)
        if step % TOLD_EVERY == 0:
            speed = seen / (time.monotonic() - started)
            said = f"loss {sums / TOLD_EVERY:.3f} {speed:.1f} pairs/s"
            print(company.rank, stage.name, f"{step}/{total}", said, flush=True)
            sums = 0.0


def drawer(mixture: Mixture, near_misses: float) -> Callable[[], Pair]:
    """Draws from the sets; ``near_misses`` is the share of squad2, whose people wrote them."""
    names = list(SHARES)
    rest = (1 - near_misses) / (1 - SHARES["squad2"])
    shares = [near_misses if x == "squad2" else rest * SHARES[x] for x in names]

    def draw() -> Pair:
        name = mixture.rng.choices(names, shares)[0]
        if name == "made":
            return mixture.made_up()
        return mixture.stranger() if name == "stranger" else mixture.real(name)

    return draw


def train(given: argparse.Namespace, company: Company) -> None:
    """One worker's work; the first writes what all have learnt."""
    seed, workers = given.seed + company.rank, len(company.weights)
    torch.manual_seed(given.seed)  # the same new heads for all
    torch.set_num_threads(1)
    started, sets, network = time.monotonic(), load(given.data), ReaderNetwork()
    encoder = PairEncoder.load(tokenizer_file(BUNDLED))
    table = network.body.embeddings.word_embeddings.weight.detach()
    feed, mixture = Feed(encoder, Synonyms(table, encoder.tokenizer), seed), Mixture(sets, seed)
    kept = given.out / "kept.pt"
    if given.start:
        network.load_state_dict(torch.load(given.start, weights_only=True))
    else:
        first = Stage("made-up", given.made_up // workers, 1e-4, kept)
        run(network, first, feed.batches(mixture.made_up, first.pairs), None, company)
        if company.rank == 0:
            torch.save(network.state_dict(), given.out / "made_up.pt")
    mixture.neighbours = neighbours(sets, given.out / "neighbours.json")
    second, average = Stage("real", given.pairs // workers, given.rate, kept), Average()
    run(
        network,
        second,
        feed.batches(drawer(mixture, given.near_misses), second.pairs),
        average,
        company,
    )
    average.load_into(network)
    if company.rank == 0:
        torch.save(network.state_dict(), given.out / "reader.pt")
        about = {
            "minutes": round((time.monotonic() - started) / 60, 1),
            "arguments": {
                name: value
                for name, value in sorted(vars(given).items())
                if not isinstance(value, Path)
            },
            "stopped_early": bool(company.agreed[0]),
            "drawn_by_first_worker": dict(sorted(feed.counts.items())),
            "questions": dict(Counter(x.name for x in sets.trained)),
            "held_out": sorted({x.article for x in sets.held_out}),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }
        (given.out / "trained.json").write_text(json.dumps(about, indent=2) + "\n")


def work(rank: int, given: argparse.Namespace, shared: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the parent tells
    train(given, Company(rank, *shared))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--made-up", type=int, default=24_000, help="pairs of the first stage")
    parser.add_argument("--pairs", type=int, default=48_000, help="pairs of the second stage")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--near-misses", type=float, default=0.5, help="share of squad2")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--workers", type=int, default=2, help="cores")
    parser.add_argument("--start", type=Path, help="weights of an earlier first stage")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    neighbours(load(given.data), given.out / "neighbours.json")
    context = torch.multiprocessing.get_context("spawn")
    size = sum(each.numel() for each in ReaderNetwork().parameters())
    weights = torch.zeros(given.workers, size).share_memory_()
    agreed, stopped = torch.zeros(1).share_memory_(), context.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    shared = (weights, context.Barrier(given.workers), stopped, agreed)
    if given.workers == 1:
        train(given, Company(0, *shared))
    else:
        torch.multiprocessing.spawn(work, (given, shared), nprocs=given.workers)


if __name__ == "__main__":
    main()
