"""Versions: answer again, ask in other words, and go between the versions there are."""

import uuid
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from chat import services
from chat.forms import EditForm, MessageForm
from chat.models import Message
from chat.services import Question
from chat.views.asking import accepted, address_of, key_of
from chat.views.doors import (
    caller,
    invalid,
    own_answer,
    own_session,
    turn_address,
    with_error_pages,
)
from core.api import wants_json
from core.errors import Invalid, NotFound


@require_POST
@with_error_pages
def retry(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Answer a question again; the earlier answer stays as another version."""
    own_session(request, session_id)
    form = MessageForm(request.POST)
    if not form.is_valid() or form.cleaned_data["message_id"] is None:
        raise NotFound
    previous = own_answer(request, form.cleaned_data["message_id"])
    if previous.session_id != session_id:
        raise NotFound
    asked = services.regenerate(
        caller(request),
        previous.pk,
        model=form.cleaned_data["model"],
        address=address_of(request),
    )
    if wants_json(request):
        return accepted(request, asked)
    return redirect(turn_address(session_id, asked.answer.pk))


@require_http_methods(["GET", "HEAD", "POST"])
@with_error_pages
def edit(request: HttpRequest, session_id: UUID, message_id: UUID) -> HttpResponse:
    """A page with the question to change; what is sent is asked as another version of it."""
    current = own_session(request, session_id)
    question = services.own_question(caller(request), message_id)
    if question.session_id != session_id:
        raise NotFound
    before = {"message": question.text, "key": uuid.uuid4()}
    form = EditForm(request.POST or None, initial=before)
    context = {"session": current, "form": form, "question": question, "message_id": message_id}
    if request.method != "POST":
        return render(request, "chat/edit.html", context)
    try:
        if not form.is_valid():
            raise invalid(form)
        asked = services.edit(caller(request), question.pk, _question(request, form), key_of(form))
    except Invalid as error:
        if wants_json(request):
            raise
        for sentence in (
            [] if form.errors else [s for found in error.fields.values() for s in found]
        ):
            form.add_error("message", sentence)
        return render(request, "chat/edit.html", context, status=400)
    if wants_json(request):
        return accepted(request, asked)
    return redirect(turn_address(session_id, asked.answer.pk))


def _question(request: HttpRequest, form: EditForm) -> Question:
    given = form.cleaned_data
    return Question(given["message"], model=given["model"], address=address_of(request))


@require_POST
@with_error_pages
def choose(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show a version of a question or an answer, with what was said after it."""
    own_session(request, session_id)
    form = MessageForm(request.POST)
    if not form.is_valid() or form.cleaned_data["message_id"] is None:
        raise NotFound
    chosen = Message.objects.of(request.user).filter(
        pk=form.cleaned_data["message_id"], session_id=session_id
    )
    message = chosen.first()
    if message is None:
        raise NotFound
    services.choose(caller(request), message.pk)
    answer = _answer_shown(message)
    if wants_json(request):
        ids = {"session_id": str(session_id), "message_id": str(answer.pk if answer else "")}
        return JsonResponse(ids)
    if answer is None:
        return redirect("chat:session", session_id)
    return redirect(turn_address(session_id, answer.pk))


def _answer_shown(message: Message) -> Message | None:
    """The answer of the turn that a message belongs to."""
    if message.role == Message.Role.ASSISTANT:
        return message
    return message.answers.filter(is_shown=True).first()
