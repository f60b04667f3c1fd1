"""How a message was understood, as its reader may see it now."""

from collections.abc import Mapping, Sequence
from typing import Any

from knowledge.passages import Span, SpanText
from knowledge.search import read_spans, removed_spans


def spans_in(retrieval: Mapping[str, Any]) -> list[Span]:
    """A stretch of each document whose words may have come into the question."""
    documents = retrieval.get("understood", {}).get("documents", [])
    return [Span(one["document_id"], one["document_version"], 0, 1) for one in documents]


def searched_for(retrieval: Mapping[str, Any], read: Mapping[Span, SpanText]) -> Sequence[str]:
    """The questions that were searched, where that is not the message as it stands.

    Nothing where one of those documents may not be read now: its words may be among them.
    """
    texts = [read.get(span) for span in spans_in(retrieval)]
    if any(text is None or text.gone for text in texts):
        return []
    understood = retrieval.get("understood", {})
    shown: Sequence[str] = understood.get("shown", understood.get("queries", []))
    return shown


def without_removed(retrieval: Mapping[str, Any], removed: Any) -> dict[str, Any]:
    """A stored search without a question into which words of a removed document may have come."""
    documents = retrieval.get("understood", {}).get("documents", [])
    kept = {**retrieval, **_tools_without(retrieval, removed)}
    if not any(one["document_id"] in removed for one in documents):
        return kept
    del kept["understood"]
    return {**kept, "query": ""}


def told_by_tools(retrieval: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The places and documents that functions told a model of."""
    return [found for tool in retrieval.get("tools", []) for found in tool["found"]]


def _tools_without(retrieval: Mapping[str, Any], removed: Any) -> dict[str, Any]:
    """The calls of functions without a removed document: words of it may be in any argument."""
    tools = retrieval.get("tools", [])
    given = [*retrieval.get("candidates", []), *told_by_tools(retrieval)]
    if not tools or not any(one["document_id"] in removed for one in given):
        return {}
    left = [[f for f in tool["found"] if f["document_id"] not in removed] for tool in tools]
    blank = {"arguments": {}, "error": ""}
    return {"tools": [{**tool, **blank, "found": f} for tool, f in zip(tools, left, strict=True)]}


def are_readable(documents: Sequence[Mapping[str, int]], user: Any) -> bool:
    """Whether the user may read all of these now."""
    return all(text.gone is None for text in read_spans(_spans(documents), user=user).values())


def any_removed(documents: Sequence[Mapping[str, int]]) -> bool:
    """Whether any of these is not there any more."""
    return bool(removed_spans(_spans(documents)))


def _spans(documents: Sequence[Mapping[str, int]]) -> list[Span]:
    return [Span(one["document_id"], one["document_version"], 0, 1) for one in documents]
