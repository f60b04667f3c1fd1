"""A document in JSON may be as large as a file; other calls keep to a mebibyte."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def test_three_mebibytes_of_words_are_taken(bob: User, api: Callable[..., APIClient]) -> None:
    words = "The depot opens at seven.\n\n" * 120_000
    assert len(words) > 3 * 1024 * 1024
    client = api(bob)
    added = client.post("/api/knowledge/documents/", {"title": "Depot", "content": words})
    assert added.status_code == 201
    address = f"/api/knowledge/documents/{added.json()['id']}/"
    changed = client.patch(address, {"content": words + "It closes at nine."})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
