"""Errors have pages for people and JSON for programs, and give nothing away."""

import pytest
from django.test import Client, RequestFactory

from core.views import bad_request, forbidden, not_found, server_error

pytestmark = pytest.mark.django_db


def test_an_unknown_page_is_not_on_the_shelf():
    page = Client().get("/no-such-page/")
    assert page.status_code == 404
    assert "This page is not on the shelf." in page.content.decode()


def test_below_api_and_for_scripts_errors_are_json():
    for path, headers in (("/api/nothing/", {}), ("/c/x/", {"accept": "application/json"})):
        answer = Client().get(path, headers=headers)
        assert answer.status_code == 404
        assert answer.json() == {"detail": "Not found.", "code": "not_found"}


@pytest.mark.parametrize(
    ("view", "status"),
    [(not_found, 404), (forbidden, 403), (bad_request, 400), (server_error, 500)],
)
def test_each_has_a_page_and_a_json_form(rf: RequestFactory, view, status):
    extra = () if view is server_error else (Exception("secret words"),)
    page = view(rf.get("/x/"), *extra)
    assert page.status_code == status
    assert b"secret" not in page.content
    assert b"<h1>" in page.content
    body = view(rf.get("/api/x/"), *extra)
    assert body.status_code == status
    assert b'"detail"' in body.content
