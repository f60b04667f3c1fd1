"""All knowledge calls are limited, each person's by themselves, and lists come in pages."""

import pytest

from tests.access_rows import ROWS
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

CALLS = sorted(
    (method, path)
    for method, path in ROWS
    if path.startswith("api/knowledge/") and path != "api/knowledge/search/"
)


@pytest.fixture
def document(add_text):
    return add_text("Leave", LEAVE)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_every_call_of_staff_is_limited(call, document, api, bob, settings):
    method, path = call
    settings.RATES = {**settings.RATES, "knowledge": "1/hour"}
    url = "/" + path.replace("<int:pk>", str(document.pk))
    client = api(bob)
    assert client.get("/api/knowledge/stats/").status_code == 200
    response = getattr(client, method.lower())(url)
    assert response.status_code == 429
    assert response.json()["code"] == "throttled"
    assert int(response["Retry-After"]) > 0


def test_one_persons_limit_is_not_anothers_and_strangers_use_up_nothing(
    api, bob, charlie, visitor, settings
):
    settings.RATES = {**settings.RATES, "knowledge": "1/hour"}
    for user in (charlie, visitor):
        for _ in range(3):
            assert api(user).get("/api/knowledge/stats/").status_code == 403
    assert api().get("/api/knowledge/stats/").status_code == 401
    assert api(bob).get("/api/knowledge/stats/").status_code == 200
    assert api(bob).get("/api/knowledge/stats/").status_code == 429
    bob.pk, bob.email = None, "second@example.org"
    bob.username = "second"
    bob.save()
    assert api(bob).get("/api/knowledge/stats/").status_code == 200


def test_searching_has_a_limit_of_its_own(api, alice, settings):
    settings.RATES = {**settings.RATES, "search": "1/hour", "knowledge": ""}
    search = "/api/knowledge/search/"
    assert api(alice).post(search, {"query": "leave"}).status_code == 200
    assert api(alice).post(search, {"query": "leave"}).status_code == 429


@pytest.mark.parametrize(
    "name", ["documents/", "documents/{}/versions/", "documents/{}/chunks/", "index/"]
)
def test_every_list_comes_in_pages(name, document, api, bob):
    url = "/api/knowledge/" + name.format(document.pk)
    page = api(bob).get(url, {"page_size": 1000}).json()
    assert set(page) == {"count", "next", "previous", "results"}
    assert api(bob).get(url, {"page": 2}).status_code == 404
