"""Stretches of stored texts, as a reader may see them now."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from core.statements import NO_KEY, Marks, Row, statement
from knowledge.models import Document, DocumentVersion
from knowledge.passages import Span, SpanText

CONTEXT = 160  # characters on either side
_LARGEST = 2**31 - 1
_SPANS_AT_A_TIME = 4000  # of 7 parameters each; SQLite takes 32,766 in one statement
# Lengths of the lists of documents that statements are compiled for: those of an answer's quotes,
# of what it found, and of a long conversation.
_SIZES = (4, 20, 400)
_NOBODY = NO_KEY - 1  # the documents' marks begin at NO_KEY


@dataclass(frozen=True)
class Facts:
    """What is said of a document beside a stretch of it."""

    title: str
    current: int | None  # the version that answers
    review_by: date | None
    today: date

    @property
    def is_overdue(self) -> bool:
        return self.review_by is not None and self.review_by < self.today


@dataclass(frozen=True)
class Piece:
    """What one row of the join brought back."""

    text: str
    before: str
    after: str
    uploaded_at: str


def read_spans(spans: Sequence[Span], *, user: Any) -> dict[Span, SpanText]:
    """The text of each span, with up to 160 characters on either side.

    ``gone`` says ``removed`` where document or version is not there any more, ``restricted``
    where the user may not read it now; text and context are empty then. Three queries for up to
    4,000 spans, and only the spans themselves are read, not the texts around them.
    """
    is_person = user is not None and user.is_authenticated and user.is_active
    return _read(spans, partial(_visible, user.pk if is_person else None))


def read_managed_spans(spans: Sequence[Span]) -> dict[Span, SpanText]:
    """The same as managers of documents see it, for pages of staff: nothing is ``restricted``."""
    return _read(spans, set)


def removed_spans(spans: Sequence[Span]) -> set[Span]:
    """Those whose document or version is not there any more. One query for up to 400 documents."""
    wanted = [span for span in spans if is_possible(span)]
    there = set(_by_document("versions", _marked_versions, _ids(wanted)))
    return {x for x in spans if (x.document_id, x.version_number) not in there}


def _read(
    spans: Sequence[Span], shown: Callable[[Iterable[int]], set[int]]
) -> dict[Span, SpanText]:
    wanted = [span for span in dict.fromkeys(spans) if is_possible(span)]
    ids = _ids(wanted)
    documents = facts_of(ids)
    visible = shown(documents)
    readable = [span for span in wanted if span.document_id in visible]
    pieces = pieces_of(readable)
    return {span: answer_of(span, documents, visible, pieces) for span in spans}


def is_possible(span: Span) -> bool:
    return (
        span.document_id is not None
        and 0 < span.document_id <= _LARGEST
        and 0 < span.version_number <= _LARGEST
        and 0 <= span.start < span.end <= _LARGEST
    )


def facts_of(ids: set[int]) -> dict[int, Facts]:
    today = timezone.localdate()
    rows = _by_document("facts", _marked_facts, ids)
    return {pk: Facts(title, number, due, today) for pk, title, number, due in rows}


def _visible(user_id: int | None, ids: Iterable[int]) -> set[int]:
    """Which of these documents a person, or a visitor, may read."""
    if user_id is None:
        return {pk for (pk,) in _by_document("public", _marked_public, ids)}
    return {pk for (pk,) in _by_document("visible", _marked_visible, ids, user=user_id)}


def _ids(spans: Iterable[Span]) -> set[int]:
    return {span.document_id for span in spans if span.document_id is not None}


def _by_document(
    name: str,
    marked: Callable[[list[int]], tuple[QuerySet[Any, Any], Marks]],
    ids: Iterable[int],
    **values: Any,
) -> list[Row]:
    """The rows of a statement over documents, so many at a time."""
    found: list[Row] = []
    every = sorted(ids)
    for start in range(0, len(every), _SIZES[-1]):
        part = every[start : start + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(part))
        marks = [NO_KEY + number for number in range(size)]
        compiled = statement(("spans", name, size), partial(marked, marks))
        found += compiled.rows(ids=part, **values)
    return found


def _marked_facts(ids: list[int]) -> tuple[QuerySet[Any, Any], Marks]:
    rows = Document.objects.filter(pk__in=ids).order_by()
    return rows.values_list("pk", "title", "active_version__number", "review_by"), {"ids": ids}


def _marked_public(ids: list[int]) -> tuple[QuerySet[Any, Any], Marks]:
    rows = Document.objects.visible_to(None).filter(pk__in=ids).order_by()
    return rows.values_list("pk"), {"ids": ids}


def _marked_visible(ids: list[int]) -> tuple[QuerySet[Any, Any], Marks]:
    groups = Group.objects.filter(user=_NOBODY).values("pk")
    rows = Document.objects.visible_to_groups(groups).filter(pk__in=ids).order_by()
    return rows.values_list("pk"), {"ids": ids, "user": _NOBODY}


def _marked_versions(ids: list[int]) -> tuple[QuerySet[Any, Any], Marks]:
    rows = DocumentVersion.objects.filter(document_id__in=ids).order_by()
    return rows.values_list("document_id", "number"), {"ids": ids}


def answer_of(
    span: Span,
    documents: Mapping[int, Facts],
    visible: set[int],
    pieces: dict[Span, Piece],
) -> SpanText:
    if span.document_id is None or span.document_id not in documents:
        return SpanText(None, "removed", "", "", None, "", "")
    facts = documents[span.document_id]
    if span.document_id not in visible:
        return SpanText(None, "restricted", "", "", None, "", "")
    piece = pieces.get(span)
    if piece is None:
        return SpanText(None, "removed", "", "", facts.current, facts.title, "")
    return SpanText(
        text=piece.text,
        gone=None,
        before=piece.before,
        after=piece.after,
        current_version=facts.current,
        title=facts.title,
        uploaded_at=piece.uploaded_at,
        review_by=facts.review_by.isoformat() if facts.review_by else "",
        is_overdue=facts.is_overdue,
    )


def pieces_of(spans: Sequence[Span]) -> dict[Span, Piece]:
    """One join of a list of values with the versions; the database cuts, so texts stay there."""
    found: dict[Span, Piece] = {}
    for start in range(0, len(spans), _SPANS_AT_A_TIME):
        part = spans[start : start + _SPANS_AT_A_TIME]
        for index, text, before, after, created_at in _cut(part):
            if text:
                found[part[index]] = Piece(text, before, after, _iso(created_at))
    return found


def _cut(spans: Sequence[Span]) -> Iterable[tuple[int, str, str, str, Any]]:
    options = DocumentVersion._meta  # noqa: SLF001  (Django documents it as public)
    table = connection.ops.quote_name(options.db_table)
    values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(spans))
    parameters: list[int | None] = []
    for index, span in enumerate(spans):
        before = max(0, span.start - CONTEXT)
        parameters += [index, span.document_id, span.version_number]
        # substr counts characters from 1, in SQLite and PostgreSQL alike.
        parameters += [span.start + 1, span.end - span.start, before + 1, span.start - before]
    # Nothing but the table's own name and placeholders is put into the statement.
    statement = (
        f"WITH spans (i, d, n, s, l, bs, bl) AS (VALUES {values}) "  # noqa: S608
        "SELECT spans.i, substr(v.text, spans.s, spans.l), substr(v.text, spans.bs, spans.bl), "
        f"substr(v.text, spans.s + spans.l, {CONTEXT}), v.created_at "
        f"FROM spans JOIN {table} v ON v.document_id = spans.d AND v.number = spans.n"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _iso(stored: Any) -> str:
    """A raw time of either engine as ISO 8601: SQLite gives text in UTC, PostgreSQL a datetime."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return str((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat())
