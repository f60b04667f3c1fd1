"""The addresses that belong to no app."""

import json

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_schema_names_every_call_of_the_api(client: Client) -> None:
    response = client.get("/api/schema/", HTTP_ACCEPT="application/json")
    assert response.status_code == 200
    paths = json.loads(response.content)["paths"]
    wanted = {"/api/users/login/", "/api/chat/send/", "/api/knowledge/documents/"}
    assert wanted <= set(paths)


@pytest.mark.parametrize("path", ["/api/docs/", "/swagger/"])
def test_the_pages_of_the_api_come_from_the_package(client: Client, path: str) -> None:
    page = client.get(path)
    text = page.content.decode()
    assert page.status_code == 200
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in text
    assert "://" not in text.replace("http://testserver", "")
    assert "<script>" not in text
    script = client.get(path, {"script": ""})
    assert script["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content


def test_crawlers_are_kept_out_and_the_icon_is_found(client: Client) -> None:
    assert b"Disallow: /" in client.get("/robots.txt").content
    assert client.get("/favicon.ico")["Location"].startswith("/static/")


def test_an_unknown_call_is_answered_in_the_shape_of_the_api(client: Client) -> None:
    for path in ("/api/nothing/", "/api/users/nothing/"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.json()["code"] == "not_found"


def test_health_refuses_other_methods(client: Client) -> None:
    assert client.post("/health/").status_code == 405
    assert client.post("/health/ready/").status_code == 405
