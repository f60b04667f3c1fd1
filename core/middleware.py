"""What every answer shares: an id, one line in the log, and headers that keep browsers strict."""

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from inspect import iscoroutinefunction
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from core.api import error_response
from core.errors import TooLarge
from core.limits import body_limit

logger = logging.getLogger("core.requests")

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

request_id: ContextVar[str] = ContextVar("request_id", default="")
ALIVE_PATHS = frozenset({"/health/", "/health"})
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

_STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# The admin's theme runs Alpine, which evaluates expressions in attributes, and writes its colours
# into the page. All of it is for staff only, and no inline script runs there either.
_ADMIN = {**_STRICT, "script-src": "'self' 'unsafe-eval'", "style-src": "'self' 'unsafe-inline'"}
# Swagger UI writes style attributes and has its icons as data: addresses.
_DOCS = {**_STRICT, "style-src": "'self' 'unsafe-inline'", "img-src": "'self' data:"}


def _policy(rules: dict[str, str]) -> str:
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


_READER_POLICY = _policy(_STRICT)
_POLICIES = {
    "/admin/": _policy(_ADMIN),
    "/api/docs/": _policy(_DOCS),
    "/swagger/": _policy(_DOCS),
}
_HEADERS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",  # pages hold someone's words; static files say otherwise
}


@sync_and_async_middleware
def request_context(get_response: Any) -> Answer | AsyncAnswer:
    """Give the request an id, answer the liveness check, and log one line.

    Liveness is answered here, before hosts, sessions and threads: it must hold when they do not.
    """
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            started_at = _begin(request)
            early = _alive(request) or _too_large(request)
            response = early or await cast("AsyncAnswer", get_response)(request)
            return _end(request, response, started_at)

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        started_at = _begin(request)
        early = _alive(request) or _too_large(request)
        response = early or cast("Answer", get_response)(request)
        return _end(request, response, started_at)

    return answer


def answer_if_alive(request: HttpRequest) -> HttpResponseBase | None:
    """The answer to the liveness check, as the middlewares would give it; None for the rest."""
    if _alive(request) is None:
        return None
    return security_headers(request_context(_nothing))(request)  # type: ignore[return-value]


def _nothing(request: HttpRequest) -> HttpResponseBase:
    raise AssertionError(request.path_info)  # the check was answered before it came here


def _begin(request: HttpRequest) -> float:
    """Set the id: a proxy's own where there is one to trust, else a new one."""
    given = request.headers.get("X-Request-ID", "") if settings.TRUSTED_PROXY_COUNT else ""
    request_id.set(given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex)
    return time.monotonic()


def _alive(request: HttpRequest) -> HttpResponse | None:
    if request.path_info not in ALIVE_PATHS or request.method not in {"GET", "HEAD"}:
        return None
    return HttpResponse(b'{"status": "ok"}', content_type="application/json")


def _too_large(request: HttpRequest) -> HttpResponse | None:
    """413 by the declared length, where no ASGI server has refused the body before."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if not declared.isdigit() or int(declared) <= body_limit(request.path_info):
        return None
    return error_response(TooLarge())


def _end(request: HttpRequest, response: HttpResponseBase, started_at: float) -> HttpResponseBase:
    """Log the route and never the address: a path or a query may hold someone's words."""
    response["X-Request-ID"] = request_id.get()
    match = getattr(request, "resolver_match", None)
    route = f"/{match.route}" if match else _route_of(request)
    level = logging.DEBUG if route in {"alive", "static"} else logging.INFO
    milliseconds = round((time.monotonic() - started_at) * 1000)
    logger.log(
        level,
        "%s %s %s %s ms [%s]",
        request.method,
        route,
        response.status_code,
        milliseconds,
        request_id.get(),
    )
    return response


def _route_of(request: HttpRequest) -> str:
    """A name for what no route answered."""
    if request.path_info in ALIVE_PATHS:
        return "alive"
    return "static" if request.path_info.startswith(str(settings.STATIC_URL)) else "unknown"


@sync_and_async_middleware
def security_headers(get_response: Any) -> Answer | AsyncAnswer:
    """Set the Content-Security-Policy of the page's kind and what goes with it.

    A view that set one of these headers itself keeps its own.
    """
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            return _secured(request, await cast("AsyncAnswer", get_response)(request))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _secured(request, cast("Answer", get_response)(request))

    return answer


def _secured(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    kinds = (policy for path, policy in _POLICIES.items() if request.path_info.startswith(path))
    response.headers.setdefault("Content-Security-Policy", next(kinds, _READER_POLICY))
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
