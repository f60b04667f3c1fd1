"""Fit knowledge/retrieval/answerability.json: when is a question not answered?

    python -m benchmarks.answerability DATA --vectors FOLDER [--weights FOLDER]
        [--opinions FILE] [--write]

DATA holds the sets that ``corpora.SETS`` names and offtopic_clinc. Each is searched whole and as
small corpora of 15 documents, so that what is learnt does not lean on a corpus's size; all sets
together are one more corpus, which is measured and not fitted on. Of what nothing answers there
are four kinds; see ``asking.KINDS`` and, for requests that a set answers after all, ``strangers``.
Every set weighs the same, whole and in small parts, in it answerable and not, and among these each
kind. Of sets that the reader was trained on only those
documents count that were held out; sets that it saw whole are left to the variants without it.
FOLDER keeps vectors, FILE what the reader thought.
"""

import argparse
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.native import limit_threads

limit_threads()

from benchmarks.answerability import report  # noqa: E402 - after the native libraries' environment
from benchmarks.answerability.asking import (  # noqa: E402
    MOST_READ,
    Opinions,
    Strangers,
    every_example,
)
from benchmarks.answerability.corpora import (  # noqa: E402
    SEED,
    SETS,
    TOGETHER,
    Vectors,
    asked_of,
    lines,
    read_set,
)
from benchmarks.answerability.fitting import fitted, table  # noqa: E402
from benchmarks.answerability.unseen import Unseen  # noqa: E402
from knowledge.retrieval.answerability import (  # noqa: E402
    SHIPPED,
    VARIANTS,
    Answerability,
    Variant,
    as_dict,
)
from knowledge.retrieval.embedder import LocalEmbedder  # noqa: E402
from knowledge.retrieval.reader import Reader  # noqa: E402

READ = 1  # passages, as knowledge.search.judging reads them


def gathered(data: Path, vectors: Vectors, opinions: Opinions) -> list[Any]:
    """Every example of every set."""
    unseen = Unseen(data)
    requests = lines(data / "offtopic_clinc" / "texts.jsonl.gz")[1::2]  # not the reader's half
    random.Random(SEED).shuffle(requests)
    asked = [{"question": request["text"]} for request in requests]
    strangers = Strangers(asked_of(asked, {}, vectors.embedder), requests)
    sets = []
    for name in SETS:
        sets.append(read_set(data, name, vectors, unseen))
        print(name, len(sets[-1].rows), "chunks,", len(sets[-1].questions), "questions", flush=True)
    return list(every_example(sets, strangers, opinions))


def provenance(examples: list[Any], embedder: LocalEmbedder, reader: str) -> dict[str, Any]:
    examples = [one for one in examples if one.of_set != TOGETHER]
    corpora = {one.corpus for one in examples}
    return {
        "fitted_by": "python -m benchmarks.answerability",
        "date": datetime.now(UTC).date().isoformat(),
        "sets": sorted({name.split("/")[0] for name in corpora}),
        "questions": len(examples),
        "corpora": len(corpora),
        "embedding_model": embedder.fingerprint,
        "reader": reader,
        "passages_read": READ,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--opinions", type=Path)
    parser.add_argument("--weights", type=Path, help="the reader's folder; without one none reads")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    embedder = LocalEmbedder("all-MiniLM-L6-v2")
    reader = Reader(arguments.weights) if arguments.weights else None
    opinions = Opinions(reader, arguments.opinions)
    opinions.load()
    examples = gathered(arguments.data, Vectors(arguments.vectors, embedder), opinions)
    variants: dict[str, Variant] = {}
    for name in VARIANTS:
        of = table(name, examples, READ)
        if of.examples:
            for read in range(1, MOST_READ + 1) if name.endswith("+reader") else (0,):
                report.show(name, examples, read)
            variants[name] = fitted(of.part([e.of_set != TOGETHER for e in of.examples]))
        else:  # without a reader its variants go by the search alone
            variants[name] = report.without_reader(variants[name.split("+")[0]])
    made = Answerability(
        variants, provenance(examples, embedder, reader.fingerprint if reader else "")
    )
    if arguments.write:
        SHIPPED.write_text(json.dumps(as_dict(made), indent=1) + "\n", encoding="utf-8")
        print("written to", SHIPPED)


if __name__ == "__main__":
    main()
