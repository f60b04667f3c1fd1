"""Questions of a file into a set: all of them or none, and twice is once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from core.errors import Conflict
from evaluation.files import BadFile, NewEvidence, NewQuestion
from evaluation.models import Evidence, Question, QuestionSet
from evaluation.quotes import MAX_QUOTE, find
from knowledge.models import Document, DocumentVersion
from knowledge.services.fields import clean_line, without_controls
from users.models import User

FROZEN = "This set is frozen: its questions stay as they are. Make a new set, or thaw it."
_LONGEST = 5000  # characters of a question or an answer
_ROWS = 500  # in one statement


@dataclass(frozen=True)
class Imported:
    """How many questions a file brought; ``loose`` have a quote that is not in its document."""

    added: int
    changed: int
    unchanged: int
    loose: int


@dataclass(frozen=True)
class _Bound:
    """A question whose documents are found: a row to be, and its evidence."""

    values: dict[str, Any]
    evidence: tuple[tuple[int, str, int, float | None], ...]
    status: str | None
    is_loose: bool


@dataclass(frozen=True)
class Prepared:
    """Questions whose documents and groups are there, by key."""

    bound: dict[str, "_Bound"]


def prepare(new: Sequence[NewQuestion]) -> Prepared:
    """Find the documents that questions name; nothing is written.

    Raises:
        BadFile: a line names a document or group that does not exist.
    """
    _require_groups(new)
    return Prepared({question.key: one for question, one in _bound(new)})


def import_questions(
    question_set: QuestionSet, prepared: Prepared, author: User | None = None
) -> Imported:
    """Add questions to a set and change those that it has under the same key.

    Raises:
        Conflict: the set is frozen; nothing was imported.
    """
    bound = prepared.bound
    with transaction.atomic():
        locked = QuestionSet.objects.select_for_update().get(pk=question_set.pk)
        if locked.frozen_at:
            raise Conflict(FROZEN)
        there = {
            question.key: question
            for question in locked.questions.prefetch_related("evidence")
            if question.key in bound
        }
        changed = [q for key, q in there.items() if not _is_same(q, bound[key])]
        for question in changed:
            _change(question, bound[question.key])
        added = [one for key, one in bound.items() if key not in there]
        _add(locked, added, author)
    loose = sum(one.is_loose for one in bound.values())
    return Imported(len(added), len(changed), len(there) - len(changed), loose)


def _bound(new: Sequence[NewQuestion]) -> Iterable[tuple[NewQuestion, _Bound]]:
    shelf = _Shelf(new)
    for question in new:
        evidence, is_loose = [], False
        for one in question.evidence:
            cleaned = replace(one, quote=without_controls(one.quote).strip()[:MAX_QUOTE])
            document_id, has_quote = shelf.document(cleaned, question.line)
            is_loose = is_loose or not has_quote
            entry = (document_id, cleaned.quote, cleaned.grade, cleaned.position)
            if entry not in evidence:
                evidence.append(entry)
        yield question, _Bound(_values(question), tuple(evidence), question.status, is_loose)


def _values(question: NewQuestion) -> dict[str, Any]:
    text = without_controls(question.text).strip()
    if not 0 < len(text) <= _LONGEST:
        raise BadFile(f"A question has 1 to {_LONGEST} characters.", question.line)
    return {
        "key": without_controls(question.key),
        "text": text,
        "history": [dict(turn) for turn in question.history],
        "language": question.language,
        "kind": question.kind,
        "expected_outcome": question.expected_outcome,
        "reference_answer": without_controls(question.reference_answer)[:_LONGEST],
        "must_include": list(question.must_include),
        "as_groups": list(question.as_groups),
    }


def _require_groups(new: Sequence[NewQuestion]) -> None:
    known = set(Group.objects.values_list("name", flat=True))
    for question in new:
        for name in question.as_groups:
            if name not in known:
                raise BadFile(f"There is no group “{name}”.", question.line)


def _is_same(question: Question, bound: _Bound) -> bool:
    there = tuple(
        (one.document_id, one.quote, one.grade, one.position) for one in question.evidence.all()
    )
    values = {name: getattr(question, name) for name in bound.values}
    status = bound.status or question.status
    return values == bound.values and there == bound.evidence and status == question.status


def _change(question: Question, bound: _Bound) -> None:
    for name, value in {**bound.values, "status": bound.status or question.status}.items():
        setattr(question, name, value)
    question.save()
    question.evidence.all().delete()
    Evidence.objects.bulk_create(_rows(question, bound))


def _add(question_set: QuestionSet, added: Sequence[_Bound], author: User | None) -> None:
    questions = [
        Question(
            question_set=question_set,
            author=author,
            status=bound.status or Question.Status.ACCEPTED,
            **bound.values,
        )
        for bound in added
    ]
    Question.objects.bulk_create(questions, batch_size=_ROWS)
    rows = [row for q, bound in zip(questions, added, strict=True) for row in _rows(q, bound)]
    Evidence.objects.bulk_create(rows, batch_size=_ROWS)


def _rows(question: Question, bound: _Bound) -> list[Evidence]:
    return [
        Evidence(
            question=question, document_id=document, quote=quote, grade=grade, position=position
        )
        for document, quote, grade, position in bound.evidence
    ]


class _Shelf:
    """The documents that a file names, found by number, title or source."""

    def __init__(self, new: Sequence[NewQuestion]) -> None:
        named = {one.document for question in new for one in question.evidence}
        self._ids = {pk for pk in named if isinstance(pk, int) and 0 < pk < 2**63}
        self._ids = set(_in_parts(Document.objects.values_list("pk"), "pk", self._ids))
        names = [clean_line(name) for name in named if isinstance(name, str)]
        self._by_name: dict[str, list[int]] = {}
        for field in ("title", "source"):
            rows = _in_parts(Document.objects.values_list(field, "pk"), field, names)
            for name, pk in sorted(rows):
                held = self._by_name.setdefault(name, [])
                if pk not in held:
                    held.append(pk)
        self._texts: dict[int, str] = {}

    def document(self, evidence: NewEvidence, line: int) -> tuple[int, bool]:
        """The document, and whether it has the quote; raises BadFile where it is none or several.

        Of several documents with the name it is the one that has the quote.
        """
        named = evidence.document
        if isinstance(named, int):
            candidates = [named] if named in self._ids else []
        else:
            candidates = self._by_name.get(clean_line(named), [])
        if not candidates:
            raise BadFile(f"There is no document “{str(named)[:200]}”.", line)
        having = [pk for pk in candidates if self._has(pk, evidence.quote)]
        if len(candidates) > 1 and len(having) != 1 and evidence.beside:
            having = [pk for pk in having or candidates if self._has(pk, evidence.beside)]
        if len(candidates) > 1 and len(having) != 1:
            raise BadFile(f"Several documents are called “{str(named)[:200]}”.", line)
        return (having or candidates)[0], bool(having)

    def _has(self, document_id: int, words: str) -> bool:
        return not words or bool(find(words, self._text(document_id)))

    def _text(self, document_id: int) -> str:
        if document_id not in self._texts:
            if len(self._texts) > _ROWS:  # texts may be large
                self._texts.clear()
            answering = DocumentVersion.objects.filter(
                pk__in=Document.objects.filter(pk=document_id).values("active_version")
            )
            self._texts[document_id] = answering.values_list("text", flat=True).first() or ""
        return self._texts[document_id]


def _in_parts(rows: Any, field: str, wanted: Iterable[Any]) -> list[Any]:
    """Rows whose field is one of these; plain values where there is one column."""
    keys = list(dict.fromkeys(wanted))
    found: list[Any] = []
    for start in range(0, len(keys), _ROWS):
        found += rows.filter(**{f"{field}__in": keys[start : start + _ROWS]})
    return [row[0] if len(row) == 1 else row for row in found]
