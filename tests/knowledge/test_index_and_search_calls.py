"""Search for everyone with a token; figures and builds for staff."""

import pytest

from knowledge.models import IndexBuild, IndexState
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

SEARCH = "/api/knowledge/search/"
SOURCE = {
    "number", "document_id", "document_version", "title", "heading", "page", "content", "gone",
    "start", "end", "score", "url", "scores", "review_by", "is_overdue", "same_as",
}  # fmt: skip


def test_search_answers_members_and_visitors_and_nobody_without_a_token(
    add_text, api, alice, visitor
):
    document = add_text("Leave", LEAVE)
    for user in (alice, visitor):
        response = api(user).post(SEARCH, {"query": "annual leave"})
        assert response.status_code == 200
        body = response.json()
        assert set(body) == {"results", "took_ms", "degraded"}
        (source,) = body["results"]
        assert set(source) == SOURCE
        assert (source["number"], source["document_id"], source["gone"]) == (1, document.pk, None)
        assert set(source["scores"]) == {"dense", "lexical", "fused", "rerank"}
        text = document.versions.get().text
        assert source["content"] == text[source["start"] : source["end"]]
    assert api().post(SEARCH, {"query": "annual leave"}).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "  \x00 "}, "query"),
        ({"query": "x" * 5001}, "query"),
        ({"query": ["x"]}, "query"),
        ({"query": "x", "top_k": 0}, "top_k"),
        ({"query": "x", "top_k": 51}, "top_k"),
        ({"query": "x", "top_k": "many"}, "top_k"),
        ({"query": "x", "filters": "all"}, "filters"),
        ({"query": "x", "filters": {"document_ids": ["a"]}}, "filters"),
        ({"query": "x", "filters": {"document_ids": [2**63]}}, "filters"),
        ({"query": "x", "document_type": "p" * 51}, "document_type"),
        ({"query": "x", "filters": {"document_typ": "policy"}}, "filters"),
        ({"query": "x", "filters": {"groups": ["hr"], "source": ""}}, "filters"),
    ],
)
def test_a_bad_search_is_400_and_names_the_field(api, alice, body, field):
    response = api(alice).post(SEARCH, body)
    assert response.status_code == 400
    assert set(response.json()) == {field}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b'"x"', b"null"])
def test_a_search_body_that_is_no_object_is_400(api, alice, raw):
    response = api(alice).post(SEARCH, data=raw, content_type="application/json")
    assert response.status_code == 400


def test_top_k_and_type_narrow(add_text, api, alice):
    for n in range(4):
        add_text(f"T{n}", f"common words number{n}", document_type="faq" if n else "policy")
    ask = {"query": "common words"}
    assert len(api(alice).post(SEARCH, {**ask, "top_k": 2}).json()["results"]) == 2
    only = api(alice).post(SEARCH, {**ask, "document_type": "policy"}).json()["results"]
    assert [source["title"] for source in only] == ["T0"]


def test_searches_have_a_limit(api, alice, settings):
    settings.RATES = {**settings.RATES, "search": "2/min"}
    statuses = [api(alice).post(SEARCH, {"query": "x"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    response = api(alice).post(SEARCH, {"query": "x"})
    assert int(response["Retry-After"]) > 0
    assert response.json()["code"] == "throttled"


def test_a_search_asks_few_queries(add_text, api, alice, django_assert_max_num_queries):
    add_text("Leave", LEAVE)
    client = api(alice)
    client.post(SEARCH, {"query": "annual leave"})
    with django_assert_max_num_queries(8):
        client.post(SEARCH, {"query": "annual leave"})


def test_the_figures(add_text, queued, api, bob):
    add_text("Leave", LEAVE)
    queued("waiting words", "B")
    failed = queued("failing words", "C")
    failed.versions.update(state="failed")
    body = api(bob).get("/api/knowledge/stats/").json()
    assert (body["documents"], body["chunks"], body["pending"], body["failed"]) == (3, 1, 1, 1)
    build = IndexBuild.objects.get(state="active")
    assert body["index"]["build"] == build.pk
    assert body["index"]["vectors"] == 1
    assert body["index"]["model"] == "bag-of-words@1"
    assert body["index"]["bytes"] == build.bytes
    assert body["index"]["built_at"].endswith("Z")


def test_the_figures_of_nothing(api, bob):
    body = api(bob).get("/api/knowledge/stats/").json()
    assert body["documents"] == body["chunks"] == body["pending"] == body["failed"] == 0
    assert body["index"]["build"] is None


def test_the_figures_cost_the_same_with_many_rows(api, bob, queued, django_assert_max_num_queries):
    for n in range(5):
        queued(f"text {n}", f"T{n}")
    client = api(bob)
    client.get("/api/knowledge/stats/")  # opens the window of the limit
    with django_assert_max_num_queries(7):  # two of them for the limit of calls
        client.get("/api/knowledge/stats/")


def test_builds_are_listed_rebuilt_and_activated(add_text, api, bob):
    staff = api(bob)
    add_text("A", "words one")
    add_text("B", "words two")
    builds = staff.get("/api/knowledge/index/").json()
    assert [b["state"] for b in builds["results"]] == ["active", "kept"]
    kept = builds["results"][1]["id"]
    wanted = IndexState.objects.get().wanted
    response = staff.post("/api/knowledge/index/rebuild/")
    assert response.status_code == 202
    assert response.json() == {"wanted": wanted + 1, "built": wanted}
    response = staff.post(f"/api/knowledge/index/{kept}/activate/")
    assert response.status_code == 200
    assert (response.json()["id"], response.json()["state"]) == (kept, "active")
    assert staff.post("/api/knowledge/index/999/activate/").status_code == 404
    failed = IndexBuild.objects.create(state="failed", model="m")
    response = staff.post(f"/api/knowledge/index/{failed.pk}/activate/")
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
