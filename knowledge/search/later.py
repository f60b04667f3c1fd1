"""What became of quoted passages in the versions that answer now."""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

from django.core.cache import cache

from knowledge.differences import LONGEST_QUOTE, Place, difference, find_again
from knowledge.models import Document, DocumentVersion
from knowledge.passages import Later, Span, SpanText
from knowledge.search.spans import read_spans

SECONDS = 0.5  # for all passages of a page; of the others only the version is said
_KEPT_SECONDS = 7 * 24 * 3600
_MOST_CHARS = 1200  # of a passage whose difference is shown


def later(read: Mapping[Span, SpanText], *, user: Any) -> dict[Span, Later]:
    """For each span of an earlier version: whether its passage is the same, changed or gone.

    Two versions never change, so where a passage stands is worked out once and kept, as numbers
    and without a word of it. Spans that are gone for the reader or up to date are left out.
    """
    wanted = {span: text for span, text in read.items() if _is_behind(span, text)}
    if not wanted:
        return {}
    until = monotonic() + SECONDS
    currents = _currents({span.document_id for span in wanted}, user)
    behind = {span: currents[span.document_id] for span in wanted if span.document_id in currents}
    places = {
        span: _place(span, wanted[span].text or "", version, until)
        for span, version in behind.items()
        if version.number > span.version_number
    }
    shown = {
        span: Span(span.document_id, behind[span].number, place.start, place.end)
        for span, place in places.items()
        if place is not None and place.state == "changed" and _is_short(span, place)
    }
    new = read_spans(list(shown.values()), user=user) if shown else {}
    return {
        span: _later(wanted[span], behind[span], place, new.get(shown.get(span, span)))
        for span, place in places.items()
    }


def _is_short(span: Span, place: Place) -> bool:
    return max(span.end - span.start, place.end - place.start) <= _MOST_CHARS


def _is_behind(span: Span, read: SpanText) -> bool:
    return bool(read.text and read.current_version and read.current_version > span.version_number)


def _currents(ids: Iterable[int | None], user: Any) -> dict[int | None, DocumentVersion]:
    """The active versions, without their texts."""
    rows = Document.objects.visible_to(user).filter(pk__in=[pk for pk in ids if pk is not None])
    versions = DocumentVersion.objects.filter(pk__in=rows.values("active_version"))
    return {version.document_id: version for version in versions.defer("text", "outline", "pages")}


def _later(
    old: SpanText, version: DocumentVersion, place: Place | None, new: SpanText | None
) -> Later:
    since = version.created_at.isoformat()
    if place is None:
        return Later("unknown", version.number, since)
    pieces: tuple[tuple[str, str], ...] = ()
    if new is not None and old.text and new.text:
        pieces = tuple((piece.kind, piece.text) for piece in difference(old.text, new.text))
    return Later(place.state, version.number, since, place.start, place.end, pieces)


def _place(span: Span, quote: str, version: DocumentVersion, until: float) -> Place | None:
    """Where the passage stands now; None where there was no time to look."""
    key = f"later:{span.document_id}:{span.version_number}:{span.start}:{span.end}:{version.pk}"
    kept: Sequence[Any] | None = cache.get(key)
    if kept is not None:
        return Place(kept[0], kept[1], kept[2])
    if monotonic() > until or len(quote) > LONGEST_QUOTE:
        return None
    place = find_again(quote, version.text)
    cache.set(key, (place.state, place.start, place.end), _KEPT_SECONDS)
    return place
