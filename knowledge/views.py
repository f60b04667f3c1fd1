"""The pages of a document: its text with a passage marked, and the file it was made of."""

from dataclasses import dataclass

from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from knowledge import catalogue, storage
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.passages import Later, Span
from knowledge.rendering import Passage, view
from knowledge.search import later, read_spans
from users.downloads import AsyncPieces, Pieces

_LARGEST = 2**31 - 1  # PostgreSQL refuses more for a version's number
_MAX_DIGITS = 10


@dataclass(frozen=True)
class _Shown:
    document: Document
    version: DocumentVersion


@require_safe
def source(request: HttpRequest, document_id: int, number: int) -> HttpResponse:
    """A version's text, ``?start=&end=`` highlighted; 404 unless the caller may read it."""
    shown = _shown(request, document_id, number)
    passage = _passage(request, len(shown.version.text))
    context = {
        "document": shown.document,
        "version": shown.version,
        "newest": _newest(shown.document),
        "later": _later(request, shown, passage),
        "pages_without_text": catalogue.pages_without_text(shown.version),
        "page": view(
            shown.version, passage, _number(request.GET.get("part")), shown.document.title
        ),
        "address": request.path,
        "from_answer": request.GET.get("from", ""),
        "from_number": _number(request.GET.get("n")),
    }
    return render(request, "knowledge/source.html", context)


@require_safe
def original(request: HttpRequest, document_id: int, number: int) -> StreamingHttpResponse:
    """The file as it was uploaded, as a download that no browser runs."""
    shown = _shown(request, document_id, number)
    version = shown.version
    try:
        file = storage.open_stored(version.file)
    except FileNotFoundError:
        raise Http404 from None
    is_pdf = version.media_type == "application/pdf"
    response = StreamingHttpResponse(
        AsyncPieces(file) if isinstance(request, ASGIRequest) else Pieces(file),
        content_type=version.media_type if is_pdf else "application/octet-stream",
    )
    response["Content-Disposition"] = content_disposition_header(True, version.file_name) or ""
    response["Content-Length"] = str(version.size)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _shown(request: HttpRequest, document_id: int, number: int) -> _Shown:
    """A version that has answered once, of a document that the caller may read.

    Raises:
        Http404: there is none, or it is not for the caller.
    """
    if max(document_id, number) > _LARGEST:
        raise Http404
    document = Document.objects.visible_to(request.user).filter(pk=document_id).first()
    if document is None:
        raise Http404
    answered = Q(state=VersionState.READY) | Q(pk=document.active_version_id)
    version = document.versions.filter(answered, number=number).first()
    if version is None:
        raise Http404
    return _Shown(document, version)


def _newest(document: Document) -> DocumentVersion | None:
    """The newest version that answers or has answered, without its text."""
    ready = document.versions.filter(state=VersionState.READY).defer("text", "outline", "pages")
    return ready.order_by("-number").first()


def _later(request: HttpRequest, shown: _Shown, passage: Passage) -> Later | None:
    """What became of the highlighted passage in the version that answers now."""
    if passage.start == passage.end:
        return None
    span = Span(shown.document.pk, shown.version.number, passage.start, passage.end)
    return later(read_spans([span], user=request.user), user=request.user).get(span)


def _passage(request: HttpRequest, length: int) -> Passage:
    """The span of the address; one that makes no sense marks nothing."""
    start, end = _number(request.GET.get("start")), _number(request.GET.get("end"))
    if start is None or end is None or not start < end or start >= length:
        return Passage()
    return Passage(start, min(end, length))


def _number(text: str | None) -> int | None:
    """A number of at most ten ASCII digits, else None."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
