"""Which questions are about documents that the reader was not trained on."""

from pathlib import Path
from typing import Any

from benchmarks.answerability.corpora import lines
from benchmarks.reader.sets import held_out_articles

BY_DOCUMENT = ("faq_quebec", "scifact")  # held out by document; squad2 by the title of its article


class Unseen:
    """Asked for each question of a set, whether it may be fitted and reported on."""

    def __init__(self, data: Path) -> None:
        squad = lines(data / "squad2" / "documents.jsonl.gz")
        titles = held_out_articles({document["title"] for document in squad})
        self._held = {"squad2": {d["id"] for d in squad if d["title"] in titles}}
        for name in BY_DOCUMENT:
            documents = lines(data / name / "documents.jsonl.gz")
            self._held[name] = held_out_articles({document["id"] for document in documents})

    def __call__(self, name: str, question: dict[str, Any]) -> bool:
        if name not in self._held:
            return True
        about = {entry["document_id"] for entry in question["relevant"]}
        about |= {question["about"]} if "about" in question else set()
        return bool(about) and about <= self._held[name]
