"""What a manager should look at in a text before readers do: orders to an assistant, hidden words.

It never keeps a document out: whoever wrote about such texts may have meant well.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from knowledge.ingestion.types import Extracted
from knowledge.orders.detector import Place, places

NAMED = 3  # places that are told in sentences; all are kept
QUOTED = 120  # code points of a place that a sentence quotes


@dataclass(frozen=True)
class Inspected:
    """``orders`` are JSON-ready: start, end, manners, heading, page; ``sentences`` for people."""

    orders: list[dict[str, Any]]
    sentences: list[str]


def inspect(extracted: Extracted) -> Inspected:
    """Look through a text; about three seconds a megabyte."""
    found = places(extracted.text)
    orders = [_order(extracted, place) for place in found]
    sentences = [_sentence(extracted, order) for order in orders[:NAMED]]
    if len(orders) > NAMED:
        sentences.append(f"{len(orders) - NAMED} more places of this kind were found.")
    return Inspected(orders, [*sentences, *extracted.hides])


def _order(extracted: Extracted, place: Place) -> dict[str, Any]:
    above = [heading for heading in extracted.outline if heading.start <= place.start]
    return {
        "start": place.start,
        "end": place.end,
        "manners": list(place.verdict.families),
        "heading": above[-1].title if above else "",
        "page": bisect_right(extracted.pages, place.start) or None,
    }


def _sentence(extracted: Extracted, order: dict[str, Any]) -> str:
    words = " ".join(extracted.text[order["start"] : order["end"]].split())
    shown = words if len(words) <= QUOTED else words[: QUOTED - 1] + "…"
    where = f" under “{order['heading']}”" if order["heading"] else ""
    page = f" on page {order['page']}" if order["page"] else ""
    return (
        f"A sentence{where}{page} reads like an order to an assistant: “{shown}”. "
        "Check whether it belongs there."
    )
