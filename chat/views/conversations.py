"""Reading: the empty page, one conversation, one turn of it."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from chat import services
from chat.conf import EXTRACTIVE, model_names
from chat.forms import REASONS
from chat.models import ChatSession, Feedback, Message
from chat.reading import Turn, turns
from chat.reading import turn as one_turn
from chat.templatetags.conversations import kept_until
from chat.views.doors import caller, own_answer, own_session, turn_address, with_error_pages
from core.errors import NotFound
from knowledge.search import shelf

SOON_DAYS = 3  # from here on the bar says how long is left


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The empty page: what can be asked, and of what."""
    return home_page(request)


@require_safe
@with_error_pages
def session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """One conversation of the caller's."""
    return session_page(request, own_session(request, session_id))


@require_safe
@with_error_pages
def turn(request: HttpRequest, session_id: UUID, message_id: UUID) -> HttpResponse:
    """One turn as a fragment, which the script puts in the place of what it drew."""
    found = own_answer(request, message_id)
    if found.session_id != session_id:
        raise NotFound
    context = {
        "turn": _turn(request, found),
        "is_fragment": True,
        "reason_for": _uuid(request.GET.get("reason", "")),
        "reasons": REASONS,
        "ratings": _ratings(found.session_id),
        "writers": writers(caller(request)),
    }
    return render(request, "chat/_turn.html", context)


@require_safe
@with_error_pages
def message(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """From a document back to the answer that quotes it, of whatever version."""
    found = own_answer(request, message_id)
    address = turn_address(found.session_id, found.pk)
    if not found.is_shown:
        address = address.replace("#", f"?version={found.pk}#")
    return redirect(address)


@require_safe
@with_error_pages
def said(request: HttpRequest, message_id: UUID, number: int) -> HttpResponse:
    """What the caller's answer says with a note, as a fragment for the document's margin."""
    found = own_answer(request, message_id)
    current = _turn(request, found)
    sentences = [
        current.body["message"][sentence["start"] : sentence["end"]]
        for sentence in current.body["sentences"]
        if number in sentence["numbers"]
    ]
    numbers = [note.number for note in current.notes]
    if number not in numbers or not sentences:
        raise NotFound
    at = numbers.index(number)
    around = {
        "before": current.notes[at - 1] if at else None,
        "after": current.notes[at + 1] if at + 1 < len(numbers) else None,
    }
    context = {"turn": current, "number": number, "sentence": sentences[0], **around}
    return render(request, "chat/_said.html", context)


def home_page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    """The empty page, with a draft and its errors if one was sent back."""
    context = {
        "shelf": shelf(request.user),
        "key": uuid.uuid4(),
        "deleted": _just_deleted(request),
        **more,
    }
    return render(request, "chat/home.html", context, status=status)


def session_page(
    request: HttpRequest, current: ChatSession, *, status: int = 200, **more: Any
) -> HttpResponse:
    """A conversation's page, with a draft and its errors if one was sent back."""
    version = services.own_version(current, request.GET)
    shown = turns(current, user=caller(request), through=version)
    is_other = any(not one.answer.is_shown for one in shown)
    running = [one.answer for one in shown if one.body["state"] == Message.State.RUNNING]
    context = {
        "session": current,
        "title": current.title or "New question",
        "turns": shown,
        "other_version": version if is_other else None,
        "running": running,
        "look_again": _look_again(request, current, running),
        "shelf": shelf(request.user),
        "key": uuid.uuid4(),
        "ends_at": kept_until(current),
        "ends_soon": _ends_soon(current),
        "reason_for": _uuid(request.GET.get("reason", "")),
        "reasons": REASONS,
        "ratings": _ratings(current.pk),
        "writers": writers(caller(request)),
        "draft": _asked_before(shown, request.GET.get("again", "")),
        **more,
    }
    return render(request, "chat/session.html", context, status=status)


def _turn(request: HttpRequest, answer: Message) -> Turn:
    found = one_turn(answer, user=caller(request))
    if found is None:
        raise NotFound
    return found


def writers(user: Any) -> list[str]:
    """The models that an answer may be made again with, where there is a choice of them."""
    names = model_names(user)
    return names if len([name for name in names if name != EXTRACTIVE]) > 1 else []


def _ratings(session_id: UUID) -> dict[UUID, int]:
    """The thumbs of a conversation, by answer."""
    rated = Feedback.objects.filter(message__session_id=session_id)
    return dict(rated.values_list("message_id", "rating"))


def _just_deleted(request: HttpRequest) -> ChatSession | None:
    """The caller's conversation that can still be brought back, for the Undo of the plain page."""
    session_id = _uuid(request.GET.get("deleted", ""))
    if session_id is None or not request.user.is_authenticated:
        return None
    after = timezone.now() - timedelta(minutes=services.UNDO_MINUTES)
    deleted = ChatSession.objects.filter(
        user_id=request.user.pk, is_active=False, deleted_at__gt=after
    )
    return deleted.filter(pk=session_id).first()


def _look_again(request: HttpRequest, current: ChatSession, running: Sequence[Message]) -> str:
    """Where a browser without script looks for the rest of an answer.

    The number differs each time: to the same address with a fragment it would only scroll.
    """
    if not running:
        return ""
    looked = request.GET.get("look", "")
    number = int(looked) + 1 if looked.isdecimal() and len(looked) < 6 else 1
    address = turn_address(current.pk, running[-1].pk)
    return address.replace("#", f"?look={number}#")


def _asked_before(shown: Sequence[Turn], message_id: str) -> str:
    """The question of an answer, to be put in other words."""
    return next((one.question.text for one in shown if str(one.answer.pk) == message_id), "")


def _ends_soon(current: ChatSession) -> str:
    left = kept_until(current) - timezone.now()
    if left > timedelta(days=SOON_DAYS) or settings.RETENTION_DAYS <= SOON_DAYS:
        return ""
    days = max(0, left.days)
    return {0: "Removed tonight", 1: "1 day left"}.get(days, f"{days} days left")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
