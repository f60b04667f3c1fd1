"""The functions that every model gets that can call some: documents, exact figures, dates.

Their type hints and docstrings are what the model is offered. Whoever asks is looked up at every
call, and everything is looked for within what they may read at that moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from django.contrib.auth import get_user_model
from django.utils import timezone

from chat.generation.results import Result
from chat.generation.tools import calculation, days
from knowledge.passages import Filters, Passage
from knowledge.search import Listed, Place, list_documents, open_document, search

MOST_FOUND = 5  # passages of one further search: the first one brought more
MOST_READ = 6  # passages of a document at a time, about two pages
MOST_LISTED = 25
Unit = Literal["days", "weeks", "months", "years", "working days"]
NOT_THERE = "There is no such document, or the asker may not read it."


class BadCall(ValueError):
    """What a call asks for cannot be done; the message says why, in words for the model."""


@dataclass(frozen=True)
class Brought:
    """A result, the documents that it tells of, and what of it was computed.

    What the model gave to compute with is no part of ``computed``: nobody has said it.

    ``degraded`` names stages of a search that could not be used, ``answerable`` is its chance to
    answer what was searched, and ``certainty`` that of the evidence. ``titles`` are of a list.
    """

    result: Result
    documents: tuple[dict[str, int], ...] = ()
    computed: str = ""
    degraded: tuple[str, ...] = ()
    answerable: float | None = None
    certainty: float = 0.0
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuiltIn:
    """The functions, for one answer. ``passages`` are those that the model has, by number.

    ``needed`` is how likely a search must be to answer its query; what it found else is not given.
    """

    user_id: int
    filters: Filters
    passages: Sequence[Passage] = ()
    needed: float = 0.0
    today: date = field(default_factory=timezone.localdate)

    def functions(self) -> tuple[Callable[..., Brought], ...]:
        return (
            self.search_documents,
            self.open_document,
            self.list_documents,
            self.calculate,
            self.add_to_date,
            self.days_between,
        )

    def search_documents(self, query: str, document_type: str = "") -> Brought:
        """Search the documents again, for one thing that is still missing.

        Args:
            query: a whole question or the words to look for, in the language of the documents.
            document_type: only documents of this type: faq, article, policy, manual or other.
        """
        if not query.strip():
            raise BadCall("The query is empty.")
        filters = self._narrowed(document_type)
        found = search(query, user=self._asker(), limit=MOST_FOUND, filters=filters)
        seen: dict[str, Any] = {"degraded": found.degraded, "answerable": found.answerable}
        if not found.passages:
            return Brought(Result(note="Nothing was found."), **seen)
        if found.answerable < self.needed:
            return Brought(Result(note="Nothing was found that answers this."), **seen)
        refs = _refs(found.passages)
        seen["certainty"] = found.certainty
        return Brought(Result(passages=found.passages), refs, **seen)

    def open_document(self, document: int = 0, section: str = "", passage: int = 0) -> Brought:
        """Read on in a document: from its beginning, from a section, or around a passage.

        Args:
            document: the document's number, as a search or the list gives it.
            section: words of a heading to begin from; empty begins at the beginning.
            passage: instead of a document, the number of a passage to read on from.
        """
        place = Place(section=section.strip())
        if passage:
            if not 1 <= passage <= len(self.passages):
                raise BadCall("There is no passage with this number.")
            known = self.passages[passage - 1]
            document, place = known.document_id, Place(place.section, known.start)
        if not document:
            raise BadCall("Name a document or a passage.")
        opened = open_document(
            document, user=self._asker(), place=place, limit=MOST_READ, filters=self.filters
        )
        if opened is None:
            raise BadCall(NOT_THERE)
        if not opened.passages:
            listed = "; ".join(opened.sections) or "none"
            refs = (_ref(opened.document_id, opened.document_version),)
            return Brought(Result("There is no such section.", f"Sections: {listed}"), refs)
        note = f"{opened.left} more passages follow." if opened.left else "It ends here."
        return Brought(Result(note, "", opened.passages), _refs(opened.passages))

    def list_documents(self, title: str = "", document_type: str = "") -> Brought:
        """List documents that the asker may read, newest first, with their numbers.

        Args:
            title: only those whose titles have all of these words.
            document_type: only documents of this type: faq, article, policy, manual or other.
        """
        listed, count = list_documents(
            user=self._asker(),
            words=title,
            limit=MOST_LISTED,
            filters=self._narrowed(document_type),
        )
        lines = "\n".join(_line(one) for one in listed)
        refs = tuple(_ref(one.document_id, one.document_version) for one in listed)
        titles = tuple(one.title for one in listed)
        note = f"{count} documents, {len(listed)} shown."
        return Brought(Result(note, lines), refs, titles=titles)

    def calculate(self, expression: str) -> Brought:
        """Calculate exactly.

        Args:
            expression: numbers with + - * / // % **, parentheses, percentages such as 17% of 2340,
                and the functions abs, max, min, round, sqrt and sum.
        """
        try:
            value = calculation.calculate(expression)
        except calculation.BadCalculation as error:
            raise BadCall(str(error)) from error
        return Brought(Result(note=value), computed=value.removeprefix(expression.strip()))

    def add_to_date(self, start: str, amount: int, unit: Unit = "days") -> Brought:
        """Find the day that is so much later than another, or earlier with a negative amount.

        Args:
            start: a date such as 2027-03-01, or today.
            amount: how many.
            unit: of what; working days are Mondays to Fridays, public holidays not considered.
        """
        try:
            day = days.read(start, self.today)
            later = (
                days.working_days_added(day, amount)
                if unit == "working days"
                else days.added(day, **{unit: amount})
            )
        except days.BadDate as error:
            raise BadCall(str(error)) from error
        said = f"{days.said(day)} and {amount} {unit} is {days.said(later)}."
        return Brought(Result(note=said), computed=f"{days.said(later)} {_spelled(later)}")

    def days_between(self, first: str, last: str) -> Brought:
        """Count the days, weeks, months and working days between two dates.

        Args:
            first: a date such as 2027-03-01, or today.
            last: another one.
        """
        try:
            said = days.between(days.read(first, self.today), days.read(last, self.today))
        except days.BadDate as error:
            raise BadCall(str(error)) from error
        return Brought(Result(note=said), computed=said.partition(": ")[2])

    def _asker(self) -> Any:
        """Who asks, as they are now; nobody may be told anything more once they are locked out."""
        user = get_user_model().objects.filter(pk=self.user_id, is_active=True).first()
        if user is None:
            raise BadCall(NOT_THERE)
        return user

    def _narrowed(self, document_type: str) -> Filters:
        """The asker's own filters, and within them the call's."""
        wanted = document_type.strip().lower()
        if not wanted:
            return self.filters
        if self.filters.document_type and self.filters.document_type != wanted:
            raise BadCall(f"The asker wants documents of the type {self.filters.document_type}.")
        return replace(self.filters, document_type=wanted)


def _line(one: Listed) -> str:
    source = f", from {one.source}" if one.source else ""
    return f"Document {one.document_id}: {one.title} ({one.document_type}{source}, {one.since})"


def _spelled(day: date) -> str:
    """A date as documents and models write it, for the check of the sentence that says it."""
    return f"{day.day} {day:%B} {day.year}, {day:%B} {day.day}, {day.year}"


def _refs(passages: Sequence[Passage]) -> tuple[dict[str, int], ...]:
    return tuple(
        {**_ref(one.document_id, one.document_version), "start": one.start, "end": one.end}
        for one in passages
    )


def _ref(document_id: int, version: int) -> dict[str, int]:
    """As rows keep it; the order of the keys is what ``forgetting`` looks for."""
    return {"document_id": document_id, "document_version": version}
