"""Error pages. A path below ``/api/`` answers in the API's shape, whoever asks."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from core.api import wants_json
from core.errors import Code
from core.middleware import request_id

_DRAFT_MAX_CHARS = 20_000  # of a question that is handed back; more is not a question


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: gone, never there, or not the caller's; nobody is told which."""
    if _is_for_a_program(request):
        return _json(404, "Not found.", Code.NOT_FOUND)
    return render(request, "errors/404.html", status=404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the caller is known and may not."""
    if _is_for_a_program(request):
        return _json(403, "You may not do this.", Code.PERMISSION_DENIED)
    return render(request, "errors/403.html", status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: what was sent cannot be read."""
    if _is_for_a_program(request):
        return _json(400, "The request is not valid.", Code.INVALID)
    return render(request, "errors/400.html", status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: touches neither the database nor the session, as those may be what broke."""
    reference = request_id.get()[:12]
    if _is_for_a_program(request):
        return _json(500, f"Something broke on our side. Reference {reference}.", Code.INVALID)
    return render(None, "errors/500.html", {"reference": reference}, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that is too old, or came from elsewhere; what was written is handed back."""
    if _is_for_a_program(request):
        sentence = "The page is too old. Load it again; nothing was sent."
        return _json(403, sentence, Code.PERMISSION_DENIED)
    draft = request.POST.get("message", "")[:_DRAFT_MAX_CHARS]
    return render(request, "errors/csrf.html", {"draft": draft}, status=403)


def _is_for_a_program(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or wants_json(request)


def _json(status: int, detail: str, code: Code) -> JsonResponse:
    return JsonResponse({"detail": detail, "code": code}, status=status)
