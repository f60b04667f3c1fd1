"""Static files under ASGI, without collecting them and without DEBUG."""

import asyncio

import pytest
from django.http import HttpResponse
from django.test import AsyncClient

FILES = [
    "/static/unfold/css/styles.css",
    "/static/admin/css/base.css",
    "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css",
    "/static/footnote/tokens.css",
]


async def get(path: str) -> tuple[HttpResponse, bytes]:
    response = await AsyncClient().get(path)
    if not response.streaming:
        return response, response.content
    return response, b"".join([part async for part in response.streaming_content])


@pytest.mark.parametrize("path", FILES)
def test_files_of_the_product_and_of_its_packages_are_served(path: str) -> None:
    response, content = asyncio.run(get(path))
    assert response.status_code == 200
    assert content
    assert "max-age=" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"


def test_nothing_outside_the_folders_is_served() -> None:
    for path in ("/static/../core/settings.py", "/static/%2e%2e/core/settings.py", "/static/"):
        response, _ = asyncio.run(get(path))
        assert response.status_code == 404
