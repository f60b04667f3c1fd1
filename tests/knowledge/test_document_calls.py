"""The document calls: staff alone, exact shapes, exact statuses."""

import pytest
from django.contrib.auth.models import Group

from knowledge.models import Document
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

URL = "/api/knowledge/documents/"
FIELDS = {
    "id", "title", "source", "document_type", "is_active", "status", "error", "version",
    "active_version", "chunk_count", "uploaded_at", "groups", "progress", "warnings", "same_as",
    "is_complete", "owner", "effective_from", "review_by", "expires_on", "superseded_by",
}  # fmt: skip
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"


def one(document):
    return f"{URL}{document.pk}/"


@pytest.fixture
def staff(api, bob):
    return api(bob)


CALLS = [
    ("get", URL),
    ("post", URL),
    ("get", f"{URL}1/"),
    ("patch", f"{URL}1/"),
    ("delete", f"{URL}1/"),
    ("post", f"{URL}1/reprocess/"),
    ("post", f"{URL}1/cancel/"),
    ("get", f"{URL}1/versions/"),
    ("get", f"{URL}1/chunks/"),
    ("get", "/api/knowledge/stats/"),
    ("get", "/api/knowledge/index/"),
    ("post", "/api/knowledge/index/rebuild/"),
    ("post", "/api/knowledge/index/1/activate/"),
]


@pytest.mark.parametrize(("method", "url"), CALLS)
def test_everyone_but_staff_is_refused_before_any_look_up(method, url, api, alice, visitor):
    for user in (alice, visitor):
        response = getattr(api(user), method)(url)
        assert response.status_code == 403
        assert response.json()["code"] == "permission_denied"
    assert getattr(api(), method)(url).status_code == 401
    assert not Document.objects.exists()


def test_a_text_is_added(staff, bob):
    body = {"title": "Leave", "content": LEAVE, "source": "handbook", "document_type": "policy"}
    response = staff.post(URL, body)
    assert response.status_code == 201
    made = response.json()
    assert set(made) == FIELDS
    assert (made["status"], made["version"], made["active_version"]) == ("queued", 1, None)
    assert (made["title"], made["source"], made["document_type"]) == (
        "Leave", "handbook", "policy",
    )  # fmt: skip
    assert (made["error"], made["warnings"], made["groups"], made["same_as"]) == ("", [], [], None)
    assert made["progress"] == {
        "step": "waiting", "percent": 0, "pages": None, "pages_done": None, "eta": None,
    }  # fmt: skip
    assert Document.objects.get().owner == bob


def test_a_file_is_added(staff, upload):
    Group.objects.create(name="hr")
    body = {"file": upload("Travel_policy.pdf", PDF), "groups": ["hr"], "is_active": "false"}
    response = staff.post(URL, body, format="multipart")
    assert response.status_code == 201
    made = response.json()
    assert (made["title"], made["groups"], made["is_active"]) == ("Travel policy", ["hr"], False)


def test_several_files_are_added_and_one_that_is_refused_holds_up_no_other(staff, upload):
    files = [upload("a.md", b"# A"), upload("b.xlsx", b"PK\x03\x04"), upload("c.txt", b"c")]
    response = staff.post(URL, {"files": files, "source": "batch"}, format="multipart")
    assert response.status_code == 201
    results = response.json()["results"]
    assert [r["name"] for r in results] == ["a.md", "b.xlsx", "c.txt"]
    assert set(results[0]["document"]) == FIELDS
    assert results[1]["code"] == "unsupported_type"
    assert results[1]["detail"].endswith(".")
    assert "document" not in results[1]
    assert list(Document.objects.values_list("source", flat=True)) == ["batch", "batch"]


@pytest.mark.parametrize("name", ["a.odt", "a.doc", "a.7z", "a.exe", "a"])
def test_a_type_that_is_not_taken_is_415(staff, upload, name):
    response = staff.post(URL, {"file": upload(name, b"PK\x03\x04data")}, format="multipart")
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_type"


def test_a_binary_file_named_md_is_415(staff, upload):
    response = staff.post(URL, {"file": upload("a.md", b"\x7fELF\x00\x01")}, format="multipart")
    assert response.status_code == 415


def test_an_empty_file_is_400(staff, upload):
    response = staff.post(URL, {"file": upload("a.md", b"")}, format="multipart")
    assert response.status_code == 400
    assert "file" in response.json()


def test_too_large_a_file_is_413(staff, upload, settings):
    settings.MAX_UPLOAD_MB = 1
    response = staff.post(URL, {"file": upload("a.txt", b"a " * 600_000)}, format="multipart")
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


def test_a_full_disk_is_503_with_a_sentence(staff, settings):
    settings.MIN_FREE_BYTES = 2**62
    response = staff.post(URL, {"title": "a", "content": "b"})
    assert response.status_code == 503
    assert "disk space" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"title": "a"}, "content"),
        ({"content": "b"}, "title"),
        ({"title": "a", "content": ""}, "content"),
        ({"title": "a", "content": "   "}, "content"),
        ({"title": "a", "content": ["x"]}, "content"),
        ({"title": "a", "content": {"x": 1}}, "content"),
        ({"title": "a" * 201, "content": "b"}, "title"),
        ({"title": "a", "content": "b", "source": "s" * 201}, "source"),
        ({"title": "a", "content": "b", "document_type": "poem"}, "document_type"),
        ({"title": "a", "content": "b", "groups": ["nobody"]}, "groups"),
        ({"title": "a", "content": "b", "groups": "hr"}, "groups"),
        ({"title": "a", "content": "b", "is_active": "perhaps"}, "is_active"),
        ([1, 2], "non_field_errors"),
    ],
)
def test_a_bad_body_is_400_and_names_the_field(staff, body, field):
    response = staff.post(URL, body)
    assert response.status_code == 400
    assert field in response.json()
    assert not Document.objects.exists()


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b"[[[[", b'{"title": "\\ud800"', b"null", b"7"])
def test_a_body_that_is_no_json_object_is_400(staff, raw):
    response = staff.post(URL, data=raw, content_type="application/json")
    assert response.status_code == 400


def test_a_body_of_another_type_is_415(staff):
    response = staff.post(URL, data=b"<x/>", content_type="application/xml")
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_type"


def test_controls_are_removed_and_not_refused(staff):
    made = staff.post(URL, {"title": "a\x00\x07b", "content": "c\x00"}).json()
    assert made["title"] == "ab"


def test_a_file_and_a_text_together_are_400(staff, upload):
    body = {"file": upload("a.md", b"x"), "content": "y", "title": "z"}
    assert staff.post(URL, body, format="multipart").status_code == 400


def test_one_document_is_read_changed_and_deleted(staff, add_text):
    Group.objects.create(name="hr")
    document = add_text("Leave", LEAVE)
    read = staff.get(one(document)).json()
    assert (read["status"], read["active_version"], read["chunk_count"]) == ("ready", 1, 1)
    changed = staff.patch(one(document), {"title": "Holidays", "groups": ["hr"]})
    assert changed.status_code == 200
    assert (changed.json()["title"], changed.json()["groups"]) == ("Holidays", ["hr"])
    assert staff.patch(one(document), {"groups": []}).json()["groups"] == []
    assert staff.patch(one(document), {"is_active": False}).json()["is_active"] is False
    assert staff.delete(one(document)).status_code == 204
    assert staff.get(one(document)).status_code == 404
    assert staff.delete(one(document)).status_code == 404


def test_new_content_makes_a_new_version_while_the_old_one_answers(staff, add_text, upload):
    document = add_text("Leave", LEAVE)
    changed = staff.patch(one(document), {"content": "# Leave\n\nSix days.", "source": "s"}).json()
    assert (changed["version"], changed["status"], changed["active_version"]) == (2, "queued", 1)
    assert (changed["source"], changed["chunk_count"]) == ("s", 1)
    body = {"file": upload("leave.md", b"# Leave\n\nSeven days.")}
    changed = staff.patch(one(document), body, format="multipart").json()
    assert (changed["version"], changed["status"]) == (3, "queued")


def test_the_same_content_makes_no_new_version(staff, add_text):
    document = add_text("Leave", LEAVE)
    changed = staff.patch(one(document), {"content": LEAVE})
    assert changed.status_code == 200
    assert (changed.json()["version"], changed.json()["status"]) == (1, "ready")


def test_a_bad_change_changes_nothing(staff, add_text, upload):
    document = add_text("Leave", LEAVE)
    assert staff.patch(one(document), {"title": "New", "content": " "}).status_code == 400
    assert staff.patch(one(document), {"title": "", "source": "s"}).status_code == 400
    body = {"title": "New", "file": upload("a.zip", b"PK\x03\x04")}
    assert staff.patch(one(document), body, format="multipart").status_code == 415
    read = staff.get(one(document)).json()
    assert (read["title"], read["source"], read["version"]) == ("Leave", "", 1)


def test_a_document_says_which_one_has_the_same_content(staff, add_text):
    first = add_text("Leave", LEAVE)
    second = add_text("Leave again", LEAVE)
    assert staff.get(one(second)).json()["same_as"] == first.pk
    assert staff.get(one(first)).json()["same_as"] is None


def test_processing_again_and_cancelling(staff, add_text, queued):
    ready, waiting = add_text("Leave", LEAVE), queued("words")
    again = staff.post(f"{one(ready)}reprocess/")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    ended = staff.post(f"{one(waiting)}cancel/")
    assert (ended.status_code, ended.json()["status"]) == (202, "cancelled")
    twice = staff.post(f"{one(waiting)}cancel/")
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")


def test_embedded_is_shown_as_processing(staff, queued):
    document = queued()
    document.versions.update(state="embedded", step="indexing", percent=95)
    read = staff.get(one(document)).json()
    progress = read["progress"]
    assert (read["status"], progress["step"], progress["percent"]) == ("processing", "indexing", 95)
    assert staff.get(f"{one(document)}versions/").json()["results"][0]["status"] == "processing"


def test_versions_and_chunks_are_listed(staff, add_text):
    document = add_text("Leave", LEAVE)
    staff.patch(one(document), {"content": "# Leave\n\nSix days."})
    versions = staff.get(f"{one(document)}versions/").json()
    assert versions["count"] == 2
    assert [v["number"] for v in versions["results"]] == [2, 1]
    chunks = staff.get(f"{one(document)}chunks/").json()
    assert chunks["count"] == 1
    assert chunks["results"][0]["version"] == 1
    text = document.versions.get(number=1).text
    chunk = chunks["results"][0]
    assert chunk["text"] == text[chunk["start"] : chunk["end"]]
    assert staff.get(f"{one(document)}chunks/?version=2").json()["count"] == 0
    assert staff.get(f"{one(document)}chunks/?version=9").status_code == 404
    assert staff.get(f"{one(document)}chunks/?version=x").status_code == 400
    assert staff.get(f"{one(document)}chunks/?version={'9' * 5000}").status_code == 400


@pytest.mark.parametrize("pk", ["0", "999", "9" * 30])
def test_what_is_not_there_is_404_at_every_door(staff, pk):
    assert staff.get(f"{URL}{pk}/").status_code == 404
    assert staff.patch(f"{URL}{pk}/", {"title": "x"}).status_code == 404
    assert staff.delete(f"{URL}{pk}/").status_code == 404
    for name in ("reprocess", "cancel"):
        assert staff.post(f"{URL}{pk}/{name}/").status_code == 404
    for name in ("versions", "chunks"):
        assert staff.get(f"{URL}{pk}/{name}/").status_code == 404


def test_json_that_is_nested_too_deeply_is_the_callers_mistake(staff, queued):
    deep = "[" * 100_000 + "]" * 100_000
    for call in (
        staff.post(URL, deep, content_type="application/json"),
        staff.patch(one(queued()), deep, content_type="application/json"),
    ):
        assert call.status_code == 400
        assert "nested" in call.json()["detail"]
