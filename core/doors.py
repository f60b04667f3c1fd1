"""Addresses that belong to no app: health, the API's schema and its pages, what crawlers ask."""

import ipaddress

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core import health, metrics
from core.throttles import client_address

ROBOTS = b"User-agent: *\nDisallow: /\n"


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """Whether the process answers; ``core.middleware`` says so before anything else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether questions can be answered; the parts are for staff and for local callers."""
    report = health.report()
    body: dict[str, object] = {"status": report.status}
    if may_see_parts(request):
        body["parts"] = report.parts
    return JsonResponse(body, status=503 if report.status == "failed" else 200)


def may_see_parts(request: HttpRequest) -> bool:
    """Staff, or a caller on this machine that no proxy speaks for."""
    if _is_local(request):
        return True
    try:
        user = request.user
        return bool(user.is_active and getattr(user, "is_staff", False))
    except DatabaseError:  # the session is a row
        return False


def _is_local(request: HttpRequest) -> bool:
    if "X-Forwarded-For" in request.headers and not settings.TRUSTED_PROXY_COUNT:
        return False
    try:
        return ipaddress.ip_address(client_address(request)).is_loopback
    except ValueError:
        return False


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """What Prometheus collects, for local callers and who has the token; for others not there."""
    if not _may_measure(request):
        raise Http404
    return HttpResponse(metrics.text(), content_type=metrics.CONTENT_TYPE)


def _may_measure(request: HttpRequest) -> bool:
    if _is_local(request):
        return True
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    is_it = bool(wanted) and constant_time_compare(token.strip(), wanted)
    return is_it and kind.lower() == "bearer"


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse(ROBOTS, content_type="text/plain")


urlpatterns = [
    path("health/", alive, name="health"),
    path("health", alive),
    path("health/ready/", ready, name="ready"),
    path("metrics", figures, name="metrics"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(), name="api-docs"),
    path("swagger/", SpectacularSwaggerSplitView.as_view(), name="swagger"),
    path("robots.txt", robots, name="robots"),
    path("favicon.ico", RedirectView.as_view(url="/static/footnote/favicon.svg", permanent=False)),
]
