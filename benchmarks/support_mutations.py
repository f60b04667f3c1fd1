"""How many false sentences do the deterministic checks catch, and how many true ones do they blame?

    python -m benchmarks.support_mutations ../shared/data [--sentences 400]

Sentences are taken from real passages of the sets named below. Each is checked against its own
passage as it stands, said a little differently, and with one thing made false; a mutant counts as
caught where the checks find anything. Nothing is fitted here. The real rewordings of
support_summedits (labelled as supported by its authors) are reported as well.
"""

import argparse
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.mutations import mutants, rephrased
from benchmarks.public_set import read
from chat.generation.spans import sentence_spans
from chat.generation.support.findings import findings
from chat.generation.support.reading import claim, source

SETS = ("handbook_tts", "squad2", "scifact", "identifiers", "mtrag")
PASSAGE_CHARS = 1200
SEED = 11


def passages(text: str) -> Iterator[str]:
    """Paragraphs put together up to about the length of a passage."""
    held = ""
    for paragraph in re.split(r"\n\s*\n", text):
        if held and len(held) + len(paragraph) > PASSAGE_CHARS:
            yield held
            held = ""
        held = f"{held}\n\n{paragraph}".strip()
    if held:
        yield held


def sentences(passage: str) -> Iterator[str]:
    """Whole sentences of running text."""
    for block in passage.split("\n"):
        if block.lstrip().startswith(("#", "|", "-", "*", ">", "`", "{", "<")):
            continue
        for start, end in sentence_spans(block):
            said = block[start:end]
            if (
                40 <= len(said) <= 300
                and said[0].isupper()
                and said.endswith(".")
                and "](" not in said
            ):
                yield said


def sample(data: Path, name: str, limit: int) -> list[tuple[str, str]]:
    """(sentence, passage) pairs, sentences with something to change first in the draw."""
    rng = random.Random(SEED)
    documents = read(data / name / "documents.jsonl.gz")
    rng.shuffle(documents)
    found = [
        (said, passage)
        for document in documents[: 4 * limit]
        for passage in passages(document["text"][:20_000])
        for said in sentences(passage)
    ]
    rng.shuffle(found)
    found.sort(key=lambda pair: not re.search(r"\d|\bnot\b|[a-z] [A-Z]", pair[0]))
    return found[:limit]


class Tally:
    def __init__(self) -> None:
        self.hits: dict[str, list[bool]] = defaultdict(list)

    def add(self, name: str, *, is_hit: bool) -> None:
        self.hits[name].append(is_hit)

    def show(self, title: str) -> None:
        print(f"\n{title}")
        for name, hits in sorted(self.hits.items()):
            print(f"  {name:38} {sum(hits):5} of {len(hits):5}  {sum(hits) / len(hits):.3f}")
        whole = [hit for hits in self.hits.values() for hit in hits]
        print(f"  {'all':38} {sum(whole):5} of {len(whole):5}  {sum(whole) / len(whole):.3f}")


def is_blamed(sentence: str, passage: str) -> bool:
    return bool(findings(claim(sentence), [source(passage)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sentences", type=int, default=400, help="of each set")
    parser.add_argument("--show", default="", help="print misses of this kind")
    given = parser.parse_args()
    rng = random.Random(SEED)
    caught, alarms, by_set = Tally(), Tally(), Tally()
    spent = checks = 0.0
    for name in SETS:
        pairs = sample(given.data, name, given.sentences)
        known = list({n for s, _ in pairs for n in re.findall(r"(?<=[a-z] )[A-Z][a-z]{4,}\b", s)})
        for said, passage in pairs:
            began = time.process_time()
            blamed = is_blamed(said, passage)
            spent += time.process_time() - began
            checks += 1
            alarms.add("verbatim", is_hit=blamed)
            _show(given.show, "verbatim", (said, passage), is_shown=blamed)
            for way, other in rephrased(said, rng):
                blamed = is_blamed(other, passage)
                alarms.add(f"rephrased: {way}", is_hit=blamed)
                _show(given.show, way, (other, passage), is_shown=blamed)
            for mutant in mutants(said, passage, known, rng):
                blamed = is_blamed(mutant.sentence, mutant.passage)
                label = f"{mutant.kind}, {mutant.way}"
                caught.add(label, is_hit=blamed)
                by_set.add(name, is_hit=blamed)
                _show(given.show, label, (mutant.sentence, mutant.passage), is_shown=not blamed)
    caught.show("false sentences caught")
    by_set.show("the same, by set")
    alarms.show("true sentences blamed")
    summedits(given.data, given.show)
    print(f"\none check, its passage read anew: {1000 * spent / checks:.2f} ms of CPU")


def summedits(data: Path, shown: str) -> None:
    real = Tally()
    for line in read(data / "support_summedits" / "sentences.jsonl.gz"):
        blamed = is_blamed(line["sentence"], line["passage"])
        verdict = "supported" if line["supported"] else "not supported"
        real.add(f"{verdict}: {line['kind']}"[:38], is_hit=blamed)
        if line["supported"]:
            pair = (line["sentence"], line["passage"])
            _show(shown, "summedits", pair, is_shown=blamed)
    real.show("blamed in support_summedits")


def _show(wanted: str, label: str, pair: tuple[str, str], *, is_shown: bool) -> None:
    if wanted and wanted in label and is_shown:
        found = findings(claim(pair[0]), [source(pair[1])])
        print(f"--- {label}\n{pair[0]}\n    {found}\n    {pair[1][:1500]!r}")


if __name__ == "__main__":
    main()
