"""Messages as readers see them: the *answer*, *source* and *session* of the API, turns for pages.

What a footnote quotes is read now, as this reader may see it. Queries do not grow with messages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from chat import wording
from chat.branches import Versions, branch, versions_of
from chat.generation.sentences import Sentence, written_sentences
from chat.models import ChatSession, Citation, Feedback, Message
from chat.redaction import cover
from chat.searched import searched_for, spans_in
from knowledge.passages import Later, Span, SpanText, source_url
from knowledge.search import later, read_spans

_NOWHERE = SpanText(None, "removed", "", "", None, "", "")


@dataclass(frozen=True)
class Note:
    """A side-note: a source with what stands around its quote."""

    number: int
    quote: str | None
    before: str
    after: str
    title: str
    heading: str
    page: int | None
    version: int
    url: str
    gone: str | None
    current_version: int | None
    uploaded_at: str
    review_due: str  # ISO 8601 date on which a review was due; empty where none is overdue
    same_document_as: int | None  # the number of an earlier note on the same document
    later: Later | None = None  # what became of the passage in the version that answers now


@dataclass(frozen=True)
class Turn:
    """A question and its answer; ``body`` is the *answer* of the API."""

    question: Message
    answer: Message
    body: dict[str, Any]
    notes: list[Note]
    versions: Mapping[Any, Versions] = field(default_factory=dict)  # by question's, answer's id

    @property
    def question_versions(self) -> Versions:
        return self.versions.get(self.question.pk, Versions((self.question.pk,), 1))

    @property
    def answer_versions(self) -> Versions:
        return self.versions.get(self.answer.pk, Versions((self.answer.pk,), 1))


@dataclass(frozen=True)
class _Shelf:
    """What was read once for many messages."""

    citations: Mapping[Any, list[Citation]]
    spans: Mapping[Span, SpanText]
    feedback: Mapping[Any, Feedback]
    later: Mapping[Span, Later] = field(default_factory=dict)

    def text_of(self, citation: Citation) -> SpanText:
        return self.spans.get(_span(citation), _NOWHERE)


def answer(message: Message, *, user: Any) -> dict[str, Any]:
    return answers([message], user=user)[0]


def answers(messages: Sequence[Message], *, user: Any) -> list[dict[str, Any]]:
    """The *answers* of assistant's messages, as the user may see them now."""
    shelf = _fetch(messages, user, is_rated=False)
    return [_answer(message, shelf) for message in messages]


def message_dicts(messages: Sequence[Message], *, user: Any) -> list[dict[str, Any]]:
    """Questions and answers as the API's *messages*."""
    shelf = _fetch([m for m in messages if m.role == Message.Role.ASSISTANT], user)
    versions = versions_of(messages)
    return [_message(message, shelf, versions[message.pk]) for message in messages]


def session_dict(session: ChatSession, *, message_count: int | None = None) -> dict[str, Any]:
    """A *session*; ``message_count`` comes from the annotation of that name where it is absent."""
    count = getattr(session, "message_count", None) if message_count is None else message_count
    return {
        "session_id": str(session.pk),
        "title": session.title,
        "is_active": session.is_active,
        "model": session.model,
        "message_count": branch(session).count() if count is None else count,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "last_activity": session.last_activity,
        "kept_until": session.last_activity + timedelta(days=settings.RETENTION_DAYS),
    }


def turns(session: ChatSession, *, user: Any, through: Any = None) -> list[Turn]:
    """A conversation for its page, oldest first; ``through``: another branch than the shown one."""
    return _turns(branch(session, through), user)


def turn(answer: Message, *, user: Any) -> Turn | None:
    """One turn, of whatever version."""
    found = _turns(Message.objects.filter(pk=answer.pk), user)
    return found[0] if found else None


def _turns(messages: QuerySet[Message], user: Any) -> list[Turn]:
    answers = messages.filter(role=Message.Role.ASSISTANT).select_related("question")
    listed = [message for message in answers if message.question is not None]
    shelf = _fetch(listed, user)
    cited = [_span(citation) for found in shelf.citations.values() for citation in found]
    quoted = {span: shelf.spans[span] for span in cited}
    shelf = replace(shelf, later=later(quoted, user=user))
    versions = versions_of([*listed, *(m.question for m in listed if m.question)])
    return [
        Turn(m.question, m, _answer(m, shelf), _notes(m, shelf), versions)
        for m in listed
        if m.question is not None
    ]


def sources(citations: Sequence[Citation], *, user: Any) -> list[dict[str, Any]]:
    """These footnotes as *sources*."""
    read = read_spans([_span(citation) for citation in citations], user=user)
    return [_source(citation, read[_span(citation)]) for citation in citations]


def _fetch(messages: Sequence[Message], user: Any, *, is_rated: bool = True) -> _Shelf:
    """``is_rated``: feedback is shown beside the answers."""
    ids = [message.pk for message in messages]
    citations: dict[Any, list[Citation]] = {pk: [] for pk in ids}
    for citation in Citation.objects.filter(message_id__in=ids).order_by("message_id", "number"):
        citations[citation.message_id].append(citation)
    wanted = [_span(citation) for found in citations.values() for citation in found]
    wanted += [_near(near) for message in messages for near in message.nearest]
    wanted += [span for message in messages for span in spans_in(message.retrieval)]
    rated = Feedback.objects.filter(message_id__in=ids) if is_rated else ()
    return _Shelf(
        citations=citations,
        spans=read_spans(wanted, user=user) if wanted else {},
        feedback={row.message_id: row for row in rated},
    )


def _span(citation: Citation) -> Span:
    return Span(citation.document_id, citation.version_number, citation.start, citation.end)


def _near(near: Mapping[str, Any]) -> Span:
    return Span(near["document_id"], near["document_version"], 0, 1)


def _message(message: Message, shelf: _Shelf, versions: Versions) -> dict[str, Any]:
    common = {
        "message_id": str(message.pk),
        "role": message.role,
        "created_at": message.created_at,
        "feedback": None,
        "versions": [str(pk) for pk in versions.ids],
    }
    if message.role == Message.Role.USER:
        return {**common, "message": message.text}
    rated = shelf.feedback.get(message.pk)
    if rated is not None:
        common["feedback"] = {"rating": rated.rating, "comment": rated.comment}
    return {**common, **_answer(message, shelf)}


def _answer(message: Message, shelf: _Shelf) -> dict[str, Any]:
    found = shelf.citations[message.pk]
    text, sentences = _readable(message, found, shelf)
    listed = [sentence.as_dict() for sentence in sentences]
    unsupported = [sentence for sentence in listed if sentence["support"] == "unsupported"]
    is_answered = message.outcome == Message.Outcome.ANSWERED and bool(found)
    shows_sources = message.options.get("include_sources", True)
    return {
        "session_id": str(message.session_id),
        "message_id": str(message.pk),
        "message": text,
        "searched_for": searched_for(message.retrieval, shelf.spans),
        "state": message.state,
        "outcome": message.outcome if message.state == Message.State.DONE else None,
        "sources": [_source(c, shelf.text_of(c)) for c in found] if shows_sources else [],
        "nearest": [_nearest(near) for near in message.nearest if _is_there(near, shelf)],
        "sentences": listed,
        "grounded": message.state == Message.State.DONE and is_answered and not unsupported,
        "unsupported": unsupported,
        "confidence": message.confidence or "low",
        "model": message.model,
        "notice": message.notice,
        "degraded": message.degraded,
        "cached": message.cache == "hit",
        "tokens_used": message.tokens_used,
        "processing_time": message.processing_time,
    }


def _readable(
    message: Message, found: Iterable[Citation], shelf: _Shelf
) -> tuple[str, list[Sentence]]:
    """The text as this reader may see it: a quoted sentence is the document's own words."""
    text, sentences = message.text, _sentences(message)
    gone = {citation.number: shelf.text_of(citation).gone for citation in found}
    for why, words in (("restricted", wording.RESTRICTED), ("removed", wording.REMOVED)):
        numbers = frozenset(number for number, reason in gone.items() if reason == why)
        text, sentences = cover(message.model, (text, sentences), numbers, words)
    return text, sentences


def _sentences(message: Message) -> list[Sentence]:
    """As they were noted; where the process died before that, none of them was checked."""
    stored = [Sentence.from_dict(one) for one in message.sentences]
    if stored or message.state != Message.State.INTERRUPTED:
        return stored
    return written_sentences(message.text)


def _source(citation: Citation, read: SpanText) -> dict[str, Any]:
    """A footnote. Of what may not be read now only the number and the place are told."""
    is_restricted = read.gone == "restricted"
    return {
        "number": citation.number,
        "document_id": citation.document_number,
        "document_version": citation.version_number,
        "title": "" if is_restricted else citation.title,
        "heading": "" if read.gone else citation.heading,
        "page": citation.page,
        "content": read.text,
        "gone": read.gone,
        "start": citation.start,
        "end": citation.end,
        "score": citation.score,
        "url": _url(citation, read),
        **review(read),
    }


def review(read: SpanText) -> dict[str, Any]:
    """Until when the document was to be looked over, and whether that day has passed."""
    return {"review_by": read.review_by or None, "is_overdue": read.is_overdue}


def _url(citation: Citation, read: SpanText) -> str:
    if read.gone:
        return ""
    place = (citation.version_number, citation.start, citation.end)
    return source_url(citation.document_number, *place)


def _nearest(near: Mapping[str, Any]) -> dict[str, Any]:
    return {key: near[key] for key in ("document_id", "title", "url", "why")}


def _is_there(near: Mapping[str, Any], shelf: _Shelf) -> bool:
    return shelf.spans.get(_near(near), _NOWHERE).gone is None


def _notes(message: Message, shelf: _Shelf) -> list[Note]:
    notes: list[Note] = []
    first: dict[int, int] = {}
    for citation in shelf.citations[message.pk]:
        read = shelf.text_of(citation)
        source = _source(citation, read)
        earlier = first.setdefault(citation.document_number, citation.number)
        notes.append(
            Note(
                number=citation.number,
                quote=read.text,
                before=read.before,
                after=read.after,
                title=source["title"],
                heading=source["heading"],
                page=citation.page,
                version=citation.version_number,
                url=source["url"],
                gone=read.gone,
                current_version=read.current_version,
                uploaded_at=read.uploaded_at,
                review_due=read.review_by if read.is_overdue else "",
                same_document_as=None if earlier == citation.number else earlier,
                later=shelf.later.get(_span(citation)),
            )
        )
    return notes
