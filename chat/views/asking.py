"""Asking: the question form, Stop and the thumbs."""

import hashlib
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from chat import services
from chat.forms import AskForm, EditForm, FeedbackForm, MessageForm
from chat.models import Message
from chat.services import Asked, Question
from chat.views.conversations import home_page, session_page
from chat.views.doors import (
    caller,
    error_answer,
    invalid,
    own_answer,
    own_session,
    turn_address,
    with_error_pages,
)
from core.api import error_response, wants_json
from core.errors import AppError, NotFound, Throttled
from core.throttles import address_key, client_address
from users.services import ensure_visitor


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """A question: 202 for a script, else to the conversation's page at the new turn."""
    if request.method == "GET":
        return redirect("chat:home")
    form = AskForm(request.POST)
    try:
        asked = _ask(request, form)
    except AppError as error:
        return _refused(request, form, error)
    if not wants_json(request):
        return redirect(turn_address(asked.session.pk, asked.answer.pk))
    return accepted(request, asked)


def _ask(request: HttpRequest, form: AskForm) -> Asked:
    """Validate before anybody is made: a bad question leaves no visitor behind."""
    if not form.is_valid():
        if "chat_session_id" in form.errors:
            raise NotFound
        raise invalid(form)
    session_id = form.cleaned_data["chat_session_id"]
    if session_id is not None:
        own_session(request, session_id)
    user = ensure_visitor(request)
    question = Question(
        form.cleaned_data["message"],
        session_id=session_id,
        model=form.cleaned_data["model"],
        address=address_of(request),
    )
    return services.ask(user, question, key=key_of(form))


def address_of(request: HttpRequest) -> str:
    return address_key(client_address(request))


def key_of(form: AskForm | EditForm) -> str | None:
    """The page's key for this very text: who goes back and asks something else asks anew."""
    said = (form.cleaned_data[name] for name in ("key", "model", "message"))
    key = form.cleaned_data["key"]
    return hashlib.sha256("\n".join(said).encode()).hexdigest() if key else None


def accepted(request: HttpRequest, asked: Asked) -> JsonResponse:
    """Logging the visitor in has changed the CSRF token, so the new one is in the answer."""
    body = {
        "session_id": str(asked.session.pk),
        "message_id": str(asked.answer.pk),
        "csrf": get_token(request),
    }
    return JsonResponse(body, status=202)


def _refused(request: HttpRequest, form: AskForm, error: AppError) -> HttpResponse:
    """The page again with what was written, or the error for a script."""
    if wants_json(request):
        return error_response(error)
    if isinstance(error, NotFound):
        return error_answer(request, error)
    more = {
        "draft": request.POST.get("message", ""),
        "errors": [*error.fields.get("message", ()), *error.fields.get("model", ())]
        or ([] if is_pause(error) else [error.detail]),
        "refusal": error.detail if is_pause(error) else "",
    }
    session_id = form.cleaned_data.get("chat_session_id")
    if session_id is None:
        response = home_page(request, status=error.status, **more)
    else:
        current = own_session(request, session_id)
        response = session_page(request, current, status=error.status, **more)
    if isinstance(error, Throttled):
        response["Retry-After"] = str(error.wait_seconds)
    return response


def is_pause(error: AppError) -> bool:
    return error.status in {429, 503}


@require_POST
@with_error_pages
def stop(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Stop what is being written in a conversation; what is there stays."""
    current = own_session(request, session_id)
    form = MessageForm(request.POST)
    running = current.messages.filter(state=Message.State.RUNNING)
    if form.is_valid() and form.cleaned_data["message_id"]:
        running = running.filter(pk=form.cleaned_data["message_id"])
    stopped = list(running.values_list("pk", flat=True))
    for message_id in stopped:
        services.stop(caller(request), message_id)
    if wants_json(request):
        return JsonResponse({"stopped": len(stopped)}, status=202)
    if stopped:
        return redirect(turn_address(session_id, stopped[-1]))
    return redirect("chat:session", session_id)


@require_POST
@with_error_pages
def feedback(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """A thumb on an answer; one that points down is asked for its reasons."""
    answer = own_answer(request, message_id)
    form = FeedbackForm(request.POST)
    if not form.is_valid():
        raise invalid(form)
    rating, words = form.cleaned_data["rating"], form.words()
    services.rate(caller(request), answer.pk, rating, words)
    if wants_json(request):
        return JsonResponse({"rating": rating})
    address = turn_address(answer.session_id, answer.pk)
    if rating < 0 and not words:
        return redirect(address.replace("#", f"?reason={answer.pk}#"))
    return redirect(address)
