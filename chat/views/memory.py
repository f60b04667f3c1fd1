"""The page of what is remembered of a conversation, and the button that clears it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from chat import services
from chat.remembered import memory_dict
from chat.views.doors import caller, own_session, with_error_pages


@require_http_methods(["GET", "HEAD", "POST"])
@with_error_pages
def memory(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """What the next answer will know; a POST clears it."""
    current = own_session(request, session_id)
    if request.method == "POST":
        services.clear_memory(caller(request), session_id)
        return redirect("chat:memory", session_id)
    context = {"session": current, "memory": memory_dict(current)}
    return render(request, "chat/memory.html", context)
