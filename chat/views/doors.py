"""What all chat pages share: who asks, whose it is, and errors as pages or as JSON."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url

from chat.models import ChatSession, Message
from core.api import error_response, wants_json
from core.errors import AppError, Invalid, NotFound, Throttled
from users.models import User

View = Callable[..., HttpResponseBase]


def caller(request: HttpRequest) -> User:
    """Who asks, as a row.

    Raises:
        NotFound: nobody; nothing can be theirs.
    """
    if not request.user.is_authenticated:
        raise NotFound
    return request.user


def own_session(request: HttpRequest, session_id: UUID) -> ChatSession:
    """The caller's conversation.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = ChatSession.objects.of(request.user).filter(pk=session_id).first()
    if found is None:
        raise NotFound
    return found


def own_answer(request: HttpRequest, message_id: UUID) -> Message:
    """An answer in one of the caller's conversations.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    answers = Message.objects.of(request.user).filter(role=Message.Role.ASSISTANT)
    found = answers.select_related("question").filter(pk=message_id).first()
    if found is None:
        raise NotFound
    return found


def with_error_pages(view: View) -> View:
    """Errors that a caller may see become pages, or JSON where a script asked."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except AppError as error:
            return error_answer(request, error)

    return answer


def error_answer(request: HttpRequest, error: AppError) -> HttpResponse:
    """An error as JSON for a script, else as a page.

    Raises:
        Http404: for a reader without script; the product's own page answers it.
    """
    if wants_json(request):
        return error_response(error)
    if isinstance(error, NotFound):
        raise Http404
    name = "errors/429.html" if isinstance(error, Throttled) else "errors/refused.html"
    response = render(request, name, {"error": error}, status=error.status)
    if isinstance(error, Throttled):
        response["Retry-After"] = str(error.wait_seconds)
    return response


def invalid(form: BaseForm) -> Invalid:
    """A form's errors, by field, as an error of ours."""
    return Invalid(
        fields={
            name: [str(sentence) for error in errors.as_data() for sentence in error.messages]
            for name, errors in form.errors.items()
        }
    )


def turn_address(session_id: UUID, message_id: UUID) -> str:
    """The page of a conversation, at one of its turns."""
    return f"{resolve_url('chat:session', session_id)}#m-{message_id}"
