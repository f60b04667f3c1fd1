"""Which questions are about documents that the reader was not trained on."""

from pathlib import Path
from typing import Any

from benchmarks.reader.sets import held_out_articles, read

# The reader was trained on these as a whole: they say nothing about how it fares elsewhere.
SEEN = ("faq_quebec", "scifact")


class Unseen:
    """Asked for each question of a set, whether it may be fitted and reported on."""

    def __init__(self, data: Path) -> None:
        squad = read(data / "squad2" / "documents.jsonl.gz")
        titles = held_out_articles({document["title"] for document in squad})
        self._held = {document["id"] for document in squad if document["title"] in titles}

    def __call__(self, name: str, question: dict[str, Any]) -> bool:
        if name != "squad2":
            return True
        about = {entry["document_id"] for entry in question["relevant"]}
        about |= {question["about"]} if "about" in question else set()
        return bool(about) and about <= self._held
