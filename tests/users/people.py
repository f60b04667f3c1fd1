"""Words and small helpers of the account tests."""

import re
from collections.abc import Iterator
from typing import Any

from users.models import User

PASSWORD = "a long enough phrase 7"
OTHER_PASSWORD = "quite another phrase 8"
UNMAILABLE = "dora@x." + "ü" * 62  # a form takes it, and no mail's header can carry it


def sign_up_body(**fields: Any) -> dict[str, Any]:
    return {
        "username": "dora",
        "email": "dora@example.org",
        "password": PASSWORD,
        "password2": PASSWORD,
    } | fields


def path_in(text: str) -> str:
    """The first address of a mail, without its site."""
    found = re.search(r"https?://[^/\s]+(/\S+)", text)
    assert found, text
    return found[1]


def section_of(user: User) -> Iterator[dict[str, Any]]:
    """Another app's part of an export."""
    yield {"title": "Leave", "user": user.pk}
    yield {"title": "Ümlaut", "user": user.pk}
