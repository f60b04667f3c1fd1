"""When a document answers, and which one answers in its place."""

from dataclasses import dataclass, fields, replace
from datetime import date
from enum import Enum

from core.errors import Invalid
from knowledge.models import Document

# An answer looks for a successor at every step; a longer chain is a mistake, not a history.
_LONGEST_CHAIN = 100


class Kept(Enum):
    """The mark of a field that stays as it is, where None is a value of its own."""

    KEPT = "kept"


KEPT = Kept.KEPT


@dataclass(frozen=True)
class Term:
    """The days of a document; None means that there is none.

    It answers from ``effective_from`` to ``expires_on``, both days included. After ``review_by``
    its footnotes say that a review is due.
    """

    effective_from: date | Kept | None = KEPT
    review_by: date | Kept | None = KEPT
    expires_on: date | Kept | None = KEPT

    def over(self, document: Document) -> "Term":
        """These days, with the document's own where one stays as it is."""
        own = {
            field.name: getattr(document, field.name)
            for field in fields(self)
            if getattr(self, field.name) is KEPT
        }
        return replace(self, **own)

    def given(self) -> dict[str, date | None]:
        """The days that are set here, by the field's name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if value is not KEPT}


_LATER = (
    ("effective_from", "review_by", "The review cannot be due before the document is in effect."),
    ("effective_from", "expires_on", "A document cannot expire before it is in effect."),
    ("review_by", "expires_on", "A document cannot expire before its review is due."),
)


def check_order(term: Term) -> None:
    """Raise Invalid where the days are not in order; days that stay as they are count as none."""
    days = term.given()
    for first, second, sentence in _LATER:
        begins, ends = days.get(first), days.get(second)
        if begins is not None and ends is not None and ends < begins:
            raise Invalid(fields={second: [sentence]})


def checked_successor(document_id: int | None, successor_id: int | None) -> int | None:
    """The document that is to answer in place of another one; raises Invalid.

    Call it in the transaction that writes it, after the lock of the index's row, so that two
    changes at once cannot close a circle. ``document_id`` is None for a document that is new.
    """
    if successor_id is None:
        return None
    seen: list[int] = []
    at: int | None = successor_id
    while at is not None:
        if at == document_id:
            raise _invalid("A document cannot be replaced by itself, nor by one that it replaces.")
        if at in seen or len(seen) >= _LONGEST_CHAIN:
            raise _invalid("Too many documents replace each other. Choose the newest one.")
        seen.append(at)
        row = Document.objects.filter(pk=at).values_list("superseded_by", flat=True)
        if not row:
            raise _invalid(f"There is no document {successor_id}.")
        at = row[0]
    return successor_id


def _invalid(sentence: str) -> Invalid:
    return Invalid(fields={"superseded_by": [sentence]})
