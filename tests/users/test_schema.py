"""The OpenAPI schema of these calls is complete and true."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

CALLS = {
    ("post", "/api/users/signup/"): {"201", "400", "429"},
    ("post", "/api/users/login/"): {"200", "400", "401", "429"},
    ("post", "/api/users/token/refresh/"): {"200", "400", "401"},
    ("post", "/api/users/logout/"): {"204", "400", "401"},
    ("post", "/api/users/anonymous/"): {"201", "429"},
    ("post", "/api/users/convert-anonymous/"): {"200", "400", "401", "409", "429"},
    ("get", "/api/users/profile/"): {"200", "401"},
    ("patch", "/api/users/profile/"): {"200", "400", "401"},
    ("delete", "/api/users/profile/"): {"204", "400", "401", "429"},
    ("get", "/api/users/me/"): {"200", "401"},
    ("post", "/api/users/change-password/"): {"204", "400", "401", "409", "429"},
    ("post", "/api/users/verify-email/"): {"200", "400"},
    ("post", "/api/users/verify-email/resend/"): {"202", "401", "403", "429"},
    ("post", "/api/users/password-reset/"): {"202", "400", "429"},
    ("post", "/api/users/password-reset/confirm/"): {"204", "400"},
    ("get", "/api/users/export/"): {"200", "401", "429"},
    ("post", "/api/users/export/"): {"202", "401", "403", "429"},
}


@pytest.fixture(scope="module")
def schema() -> Any:
    return SchemaGenerator(urlconf="users.urls").get_schema(public=True)


def test_every_call_is_there_with_its_statuses(schema: Any) -> None:
    found = {
        (method, path): set(call["responses"])
        for path, calls in schema["paths"].items()
        for method, call in calls.items()
    }
    assert found == CALLS


def test_tokens_and_page_sessions_are_named(schema: Any) -> None:
    assert set(schema["components"]["securitySchemes"]) == {"token", "page"}


def test_codes_are_a_closed_list(schema: Any) -> None:
    text = str(schema["components"]["schemas"])
    assert "refresh_raced" in text
    assert "token_not_valid" in text
