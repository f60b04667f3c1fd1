"""Orders for one document, on its own page: read it again, or stop reading it."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action

from knowledge.admin.answers import sent_to
from knowledge.catalogue import PENDING
from knowledge.models import DocumentVersion
from knowledge.services import Outcome, cancel_many, reprocess_many

_AGAIN = "The newest version is read again. What answers now goes on until it is done."
_DIGITS = 18  # what a database holds as a number
_STOPPED = "Processing was cancelled. What answers now goes on."


class ProcessingActions:
    """Buttons above a document, for whoever may change it; each only where it does something."""

    actions_detail = ("process_this_again", "cancel_this")

    @action(  # type: ignore[untyped-decorator]
        description="Process again",
        url_path="process-again",
        icon="refresh",
        permissions=["process_again"],
        dialog={
            "title": "Process this document again",
            "description": "Its newest file is read, cut and embedded again.",
            "form_class": None,
            "form_submit_text": "Process again",
        },
    )
    def process_this_again(self, request: HttpRequest, form: Any, object_id: int) -> HttpResponse:
        return _obeyed(request, object_id, reprocess_many, _AGAIN)

    @action(  # type: ignore[untyped-decorator]
        description="Cancel processing",
        url_path="cancel-processing",
        icon="stop_circle",
        permissions=["cancel_processing"],
        dialog={
            "title": "Cancel processing",
            "description": "The version that is being read will not answer.",
            "form_class": None,
            "form_submit_text": "Cancel processing",
        },
    )
    def cancel_this(self, request: HttpRequest, form: Any, object_id: int) -> HttpResponse:
        return _obeyed(request, object_id, cancel_many, _STOPPED)

    def has_process_again_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Not while it is being read anyway."""
        return self._may_change(request) and not _is_pending(object_id)

    def has_cancel_processing_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only while there is something to cancel."""
        return self._may_change(request) and _is_pending(object_id)

    def _may_change(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))  # type: ignore[attr-defined]


def _is_pending(object_id: Any) -> bool:
    versions = DocumentVersion.objects.filter(document=object_id) if _is_number(object_id) else None
    newest = versions.order_by("-number").only("state").first() if versions is not None else None
    return newest is not None and newest.state in PENDING


def _is_number(object_id: Any) -> bool:
    words = str(object_id)  # of an address, so that it may be anything
    return words.isdecimal() and words.isascii() and len(words) <= _DIGITS


def _obeyed(
    request: HttpRequest, object_id: int, order: Callable[[Iterable[int]], Outcome], done: str
) -> HttpResponse:
    if not _is_number(object_id):
        raise Http404
    outcome = order([int(object_id)])
    for sentence in outcome.refused.values():
        messages.warning(request, sentence)
    if outcome.done:
        messages.success(request, done)
    return sent_to(request, reverse("admin:knowledge_document_change", args=[object_id]))
