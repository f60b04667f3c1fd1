"""The page of one answer's making, its download, and the button that makes it once more."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from chat.again import CannotReplay, Wish, again, known_models, stage
from chat.models import Message
from chat.retelling import Told, tell
from chat.runs import Run
from chat.runtime import runtime
from chat.streaming import release_connections
from core.sse import EventStream
from core.staff import is_staff

logger = logging.getLogger(__name__)

READS_WORDS = "chat.read_said"
READS_FIGURES = "chat.view_message"  # as the admin's own page of a message
REPLAY_SECONDS = 180  # a page waits no longer
_LOOK_SECONDS = 0.2
_SHOWN_CHARS = 20_000  # of one message of a prompt; the rest is in the download
_MARK = "<!-- what comes -->"
_READ = "Read in the trace what was asked and answered."
_BROKEN = "It could not be made again: an error of ours, which the log names."
_LATE = "It took longer than three minutes and was given up."


def urls() -> list[URLPattern]:
    """Below the admin's messages."""
    return [
        path("<uuid:message_id>/trace/", page, name="chat_message_trace"),
        path("<uuid:message_id>/trace.json", download, name="chat_message_trace_json"),
        path("<uuid:message_id>/trace/again/", make_again, name="chat_message_again"),
    ]


def _checked(request: HttpRequest) -> HttpResponse | None:
    """Where somebody is sent who has not signed in; 404 for who has and may read no trace."""
    may_read = request.user.has_perm(READS_FIGURES) or request.user.has_perm(READS_WORDS)
    if is_staff(request) and may_read:
        return None
    if request.user.is_authenticated:
        raise Http404
    return redirect(f"{reverse('admin:login')}?next={request.path}")


def _told(request: HttpRequest, message_id: UUID) -> Told:
    reads_words = request.user.has_perm(READS_WORDS)
    told = tell(message_id, reads_words=reads_words)
    if told is None:
        raise Http404
    if reads_words:
        _note(request, message_id)
    return told


def _note(request: HttpRequest, message_id: UUID) -> None:
    """Who read what somebody said is in the journal of the admin, once a day."""
    said = {
        "user_id": request.user.pk,
        "content_type": ContentType.objects.get_for_model(Message),
        "object_id": str(message_id),
        "action_flag": CHANGE,
        "change_message": _READ,
    }
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    if not LogEntry.objects.filter(**said, action_time__gte=today).exists():
        LogEntry.objects.create(**said, object_repr=f"assistant {message_id}"[:200])


@require_safe
@never_cache
def page(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """How one answer came to be."""
    return _checked(request) or render(
        request, "chat/admin/trace.html", _context(request, _told(request, message_id))
    )


def _context(request: HttpRequest, told: Told) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": "Trace of an answer",
        "told": told,
        "message": told.message,
        "models": known_models(),
        "shown_chars": _SHOWN_CHARS,
        "scores": _scores(told),
    }


def _scores(told: Told) -> list[str]:
    """The stages that have given any candidate a score, the usual ones first."""
    rows = [row for search in told.searches for row in (*search["given"], *search["left_out"])]
    named = [name for row in rows for name, score in (row["scores"] or {}).items() if score]
    usual = ("dense", "lexical", "fused", "rerank")
    return list(dict.fromkeys([*(name for name in usual if name in named), *named]))


@require_safe
@never_cache
def download(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """The same as a file."""
    refused = _checked(request)
    if refused is not None:
        return refused
    told = _told(request, message_id)
    body = json.dumps(told.as_dict(), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    response = HttpResponse(body, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="trace-{message_id}.json"'
    return response


@require_POST
@csrf_protect
def make_again(request: HttpRequest, message_id: UUID) -> HttpResponseBase:
    """Make it once more; the page grows while that goes on, and ends with what is different."""
    refused = _checked(request)
    if refused is not None:
        return refused
    if not request.user.has_perm(READS_WORDS):
        raise Http404
    told = _told(request, message_id)
    wish = Wish(
        search_only=bool(request.POST.get("search_only")),
        model=request.POST.get("model", ""),
        paid_by=request.user.pk,
    )
    context = {**_context(request, told), "title": "The answer made again", "mark": _MARK}
    context["wish"] = wish
    try:
        run = stage(message_id, wish)
    except CannotReplay as error:
        context["problem"] = str(error)
        return render(request, "chat/admin/again.html", context, status=409)
    whole = render_to_string("chat/admin/again.html", context, request)
    response = EventStream(_growing(whole, run, wish), content_type="text/html; charset=utf-8")
    response["Cache-Control"] = "no-store, no-transform"
    response["X-Accel-Buffering"] = "no"
    release_connections()
    return response


async def _growing(whole: str, run: Run, wish: Wish) -> AsyncIterator[bytes]:
    """The page up to where things come, a line for each step, what is different, and the rest."""
    head, _, tail = whole.partition(_MARK)
    yield head.encode()
    work = runtime().call(again(run, runtime(), wish))
    try:
        async for line in _steps(run, work):
            yield line
        result = _result(work, run.message_id)
        yield render_to_string("chat/admin/_comparison.html", result).encode()
    finally:
        work.cancel()
    yield tail.encode()


async def _steps(run: Run, work: Any) -> AsyncIterator[bytes]:
    """A line for each step, until it is done or has taken too long."""
    at, waited = 0, 0.0
    while True:
        is_last = work.done() or waited >= REPLAY_SECONDS
        batch = run.log[at:]
        at += len(batch)
        for event in batch:
            if event.kind == "step":
                line = render_to_string("chat/admin/_step.html", {"words": event.data["text"]})
                yield line.encode()
        if is_last:
            return
        await asyncio.sleep(_LOOK_SECONDS)
        waited += _LOOK_SECONDS


def _result(work: Any, message_id: UUID) -> dict[str, Any]:
    if not work.done():
        return {"problem": _LATE}
    error = work.exception()
    if error is not None:
        logger.error("message %s could not be made again", message_id, exc_info=error)
        return {"problem": _BROKEN}
    return {"found": work.result()}
