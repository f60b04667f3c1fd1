"""The passages that a search found for an answer, as its reader may see them now."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chat.reading import review
from knowledge.passages import Passage, Span, source_url
from knowledge.search import read_spans


def candidate_of(passage: Passage) -> dict[str, Any]:
    """A passage as it is kept with an answer: its place, its scores and its heading, no text."""
    return {
        "chunk_id": passage.chunk_id,
        "document_id": passage.document_id,
        "document_version": passage.document_version,
        "title": passage.title,
        "heading": passage.heading,
        "page": passage.page,
        "uploaded_at": passage.uploaded_at,
        "start": passage.start,
        "end": passage.end,
        "score": round(min(1.0, max(0.0, passage.score)), 4),
        "scores": {
            **asdict(passage.scores),
            "reader": passage.judged.answerable if passage.judged else None,
        },
    }


def candidates(retrieval: Mapping[str, Any], *, user: Any) -> list[dict[str, Any]]:
    """The candidates of a stored search as *sources* without a number; what is gone is left out."""
    stored = retrieval.get("candidates", [])
    spans = {
        index: Span(c["document_id"], c["document_version"], c["start"], c["end"])
        for index, c in enumerate(stored)
    }
    texts = read_spans(list(spans.values()), user=user) if spans else {}
    return [
        {
            "number": None,
            "document_id": c["document_id"],
            "document_version": c["document_version"],
            "title": texts[spans[index]].title,
            "heading": c["heading"],
            "page": c["page"],
            "content": texts[spans[index]].text,
            "gone": None,
            "start": c["start"],
            "end": c["end"],
            "score": c["score"],
            "url": source_url(c["document_id"], c["document_version"], c["start"], c["end"]),
            **review(texts[spans[index]]),
        }
        for index, c in enumerate(stored)
        if texts[spans[index]].gone is None
    ]
