"""Ids, the log line, and the headers of every answer."""

import asyncio
import logging
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from core.middleware import request_context, security_headers


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse("words")


async def answer_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("words")


def ask(path: str, **headers: Any) -> HttpResponse:
    request = RequestFactory().get(path, **headers)
    return request_context(security_headers(answer))(request)  # type: ignore[return-value]


def ask_async(path: str, **headers: Any) -> HttpResponse:
    request = RequestFactory().get(path, **headers)
    chain: Any = request_context(security_headers(answer_async))
    return asyncio.run(chain(request))


@pytest.mark.parametrize("way", [ask, ask_async])
def test_every_answer_has_an_id_and_a_strict_policy(way: Any) -> None:
    first, second = way("/c/1/"), way("/c/1/")
    assert first["X-Request-ID"] != second["X-Request-ID"]
    policy = first["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert "frame-ancestors 'none'" in policy
    assert first["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/sources/1/v1/", "/api/chat/send/"])
def test_no_readers_page_may_run_inline_script(path: str) -> None:
    assert "unsafe-inline" not in ask(path)["Content-Security-Policy"]


def test_the_pages_of_the_api_run_no_inline_script_and_evaluate_nothing() -> None:
    for path in ("/api/docs/", "/swagger/"):
        rules = dict(
            rule.split(" ", 1) for rule in ask(path)["Content-Security-Policy"].split("; ")
        )
        assert rules["script-src"] == "'self'"
        assert rules["style-src"] == "'self' 'unsafe-inline'"


def test_the_admin_stays_on_this_host_too() -> None:
    policy = ask("/admin/")["Content-Security-Policy"]
    assert "http" not in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'unsafe-eval';" in policy


def test_a_view_keeps_the_headers_that_it_set() -> None:
    def own(request: HttpRequest) -> HttpResponse:
        return HttpResponse("", headers={"Cache-Control": "private, max-age=60"})

    response: Any = security_headers(own)(RequestFactory().get("/"))
    assert response["Cache-Control"] == "private, max-age=60"


@pytest.mark.parametrize("way", [ask, ask_async])
def test_one_line_is_logged_without_the_callers_words(
    way: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "core.requests"):
        response = way("/search/", QUERY_STRING="q=salary+of+alice")
        way("/salary-of-alice/")
    first, second = caplog.messages
    assert first.startswith("GET unknown 200 ")
    assert response["X-Request-ID"] in first
    assert "salary" not in first + second


@pytest.mark.parametrize("path", ["/health/", "/health"])
@pytest.mark.parametrize("way", [ask, ask_async])
def test_liveness_is_answered_for_any_host_before_anything_else(way: Any, path: str) -> None:
    response = way(path, HTTP_HOST="10.0.0.7:8000")
    assert response.status_code == 200
    assert response.content == b'{"status": "ok"}'


def test_an_id_is_taken_over_from_a_trusted_proxy_alone(settings: Any) -> None:
    given = {"HTTP_X_REQUEST_ID": "edge-0123456789"}
    assert ask("/", **given)["X-Request-ID"] != "edge-0123456789"
    settings.TRUSTED_PROXY_COUNT = 1
    assert ask("/", **given)["X-Request-ID"] == "edge-0123456789"
    assert ask("/", HTTP_X_REQUEST_ID="two\nlines")["X-Request-ID"] != "two\nlines"
