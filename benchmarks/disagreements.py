"""How often are documents of public question sets said to disagree?

    python -m benchmarks.disagreements ../shared/data [--questions 300]

For each question the passages are ranked by the rarity of the words that they share with it, and
the first eight are compared as an answer's passages are. These sets were not made to contradict
themselves, so nearly every finding is a false alarm; all are printed to be judged.
"""

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.public_set import read
from benchmarks.support_mutations import passages
from chat.generation.support.disagreement import disagreements
from chat.generation.terms import terms
from knowledge.passages import Passage

SETS = ("handbook_tts", "squad2", "scifact", "faq_quebec", "identifiers", "mtrag")
SEED = 3


def corpus(data: Path, name: str, limit: int) -> list[Passage]:
    found = []
    for number, document in enumerate(read(data / name / "documents.jsonl.gz")[:limit]):
        for text in passages(document["text"][:20_000]):
            key = f"{number}-{len(found)}"
            title = document["title"][:200]
            place = (number, number, 1, title, "", None, text, 0, len(text), 0.9)
            found.append(Passage(key, *place))
    return found


def ranked(
    question: str, known: Sequence[Passage], words: dict[str, dict[int, int]]
) -> list[Passage]:
    scores: dict[int, float] = {}
    for term in set(terms(question)):
        places = words.get(term, {})
        for place in places:
            scores[place] = scores.get(place, 0.0) + 1.0 / (1 + len(places)) ** 0.5
    best = sorted(scores, key=lambda place: (-scores[place], place))[:8]
    return [known[place] for place in best]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--questions", type=int, default=300, help="of each set")
    parser.add_argument("--documents", type=int, default=1500, help="of each set")
    given = parser.parse_args()
    for name in SETS:
        known = corpus(given.data, name, given.documents)
        words: dict[str, dict[int, int]] = {}
        for place, passage in enumerate(known):
            for term in terms(f"{passage.title} {passage.text}"):
                words.setdefault(term, {})[place] = 1
        questions = read(given.data / name / "questions.jsonl.gz")
        questions = random.Random(SEED).sample(questions, min(given.questions, len(questions)))
        said, spent = 0, 0.0
        for question in questions:
            found = ranked(question["question"], known, words)
            began = time.process_time()
            pairs = list(disagreements(found))
            spent += time.process_time() - began
            said += bool(pairs)
            for pair in pairs[:1]:
                print(
                    "   ", [s.passage.text[s.start : s.end][:160] for s in (pair.newer, pair.older)]
                )
        print(
            f"{name:14} {said:3} of {len(questions)} questions with a disagreement,"
            f" {1000 * spent / len(questions):.1f} ms a question"
        )


if __name__ == "__main__":
    main()
