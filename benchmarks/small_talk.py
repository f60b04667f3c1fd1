"""How much small talk is known as such, and whether any real question is taken for it.

    python -m benchmarks.small_talk DATA

``DATA`` holds ``offtopic_clinc`` (texts with intents) and other public sets with questions. The
lists of ``chat/generation/understanding/smalltalk.txt`` were written with CLINC's wordings in view,
so its shares say how far the lists reach, not how they do on wordings that nobody has seen; that no
question of the other sets is taken for small talk was not aimed at sentence by sentence.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chat.generation.understanding.smalltalk import talk_of

INTENTS = {
    "greeting": {"greeting"},
    "thank_you": {"thanks"},
    "goodbye": {"farewell"},
    "what_can_i_ask_you": {"abilities"},
    "are_you_a_bot": {"identity"},
    "what_is_your_name": {"identity"},
    "who_made_you": {"identity"},
}


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def main() -> None:
    data = Path(sys.argv[1])
    texts = list(lines(data / "offtopic_clinc" / "texts.jsonl.gz"))
    known = total = 0
    for intent, kinds in INTENTS.items():
        said = [text["text"] for text in texts if text["intent"] == intent]
        right = sum(str(talk_of(text)) in kinds for text in said)
        known, total = known + right, total + len(said)
        sys.stdout.write(f"{intent:22}{right:4} of {len(said)}\n")
    sys.stdout.write(f"{'small talk':22}{known:4} of {total}\n")
    others = [text for text in texts if text["intent"] not in INTENTS]
    taken = [text["text"] for text in others if talk_of(text["text"])]
    sys.stdout.write(f"{'other requests':22}{len(taken):4} of {len(others)} taken: {taken}\n")
    for path in sorted(data.glob("*/questions.jsonl.gz")):
        asked = [line["question"] for line in lines(path)]
        taken = [question for question in asked if talk_of(question)]
        sys.stdout.write(f"{path.parent.name:22}{len(taken):4} of {len(asked)} taken: {taken}\n")


if __name__ == "__main__":
    main()
