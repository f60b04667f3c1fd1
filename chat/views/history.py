"""What was asked before: the list, search, a new name, deletion and its undoing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat import services
from chat.forms import RenameForm
from chat.models import ChatSession, Message
from chat.templatetags.conversations import past_rows, running_answers
from chat.views.doors import caller, invalid, own_session, with_error_pages
from core.api import wants_json

ROWS = 40
QUERY_MAX_CHARS = 200
AROUND = 90  # characters of context on each side of what was found


@dataclass(frozen=True)
class Found:
    """A question that has the words, or whose conversation is named by them."""

    session_id: UUID
    question_id: str  # of the heading on the conversation's page
    title: str
    before: str
    words: str
    after: str
    at: datetime


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """All of the caller's conversations, a page at a time."""
    sessions = ChatSession.objects.of(request.user).annotate(is_running=running_answers())
    page = Paginator(sessions, ROWS).get_page(request.GET.get("page"))
    context = {"page": page, "rows": past_rows(list(page.object_list))}
    return render(request, "chat/history.html", context)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The caller's own conversations by words of their titles and questions."""
    query = " ".join(request.GET.get("search", "").replace("\x00", "").split())[:QUERY_MAX_CHARS]
    page = Paginator(_matching(request, query), ROWS).get_page(request.GET.get("page"))
    context = {"query": query, "page": page, "hits": [_found(one, query) for one in page]}
    return render(request, "chat/search.html", context)


def _matching(request: HttpRequest, query: str) -> QuerySet[Message]:
    """Questions that hold the words, and the first one of conversations named by them.

    Answers are not searched: one may quote what its reader may not read any more.
    """
    if not query or not request.user.is_authenticated:
        return Message.objects.none()
    is_first = Q(ordinal=0) | Q(version_of__ordinal=0)
    named = is_first & Q(session__title__icontains=query)
    shown = Message.objects.of(request.user).filter(is_shown=True)
    asked = shown.filter(role=Message.Role.USER)
    matching = asked.filter(Q(text__icontains=query) | named)
    return matching.select_related("session").order_by("-created_at", "-ordinal")


def _found(question: Message, query: str) -> Found:
    text = question.text
    at = text.casefold().find(query.casefold())
    # Folding may change lengths; then the place is only near, and no word is marked wrongly.
    exact = at >= 0 and text[at : at + len(query)].casefold() == query.casefold()
    start = max(0, at - AROUND) if exact else 0
    end = at if exact else 0
    return Found(
        session_id=question.session_id,
        question_id=f"q{question.ordinal}",
        title=question.session.title or "New question",
        before=("…" if start else "") + text[start:end],
        words=text[at : at + len(query)] if exact else "",
        after=text[at + len(query) :] if exact else text,
        at=question.created_at,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@with_error_pages
def rename(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """A page with the name to change, and the way to deletion."""
    current = own_session(request, session_id)
    form = RenameForm(request.POST or None, initial={"title": current.title})
    if request.method != "POST":
        return render(request, "chat/rename.html", {"session": current, "form": form})
    if not form.is_valid():
        if wants_json(request):
            raise invalid(form)
        context = {"session": current, "form": form}
        return render(request, "chat/rename.html", context, status=400)
    title = form.cleaned_data["title"]
    services.rename(caller(request), session_id, title)
    if wants_json(request):
        return JsonResponse({"session_id": str(session_id), "title": title})
    return redirect("chat:session", session_id)


@require_http_methods(["GET", "HEAD", "POST"])
@with_error_pages
def delete(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Asks first; what is deleted can be brought back for ten minutes."""
    current = own_session(request, session_id)
    if request.method != "POST":
        return render(request, "chat/delete.html", {"session": current})
    services.delete_session(caller(request), session_id)
    if wants_json(request):
        return JsonResponse({"session_id": str(session_id), "title": current.title})
    return redirect(f"{resolve_url('chat:home')}?deleted={session_id}")


@require_POST
@with_error_pages
def restore(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Bring a conversation back that was deleted a moment ago."""
    services.restore_session(caller(request), session_id)
    if wants_json(request):
        return JsonResponse({"session_id": str(session_id)})
    return redirect("chat:session", session_id)
