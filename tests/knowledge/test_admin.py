"""Knowledge in the admin: every write goes through a service, a wrong file is a sentence."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage
from django.urls import reverse

from knowledge.models import Document, IndexBuild, IndexState
from knowledge.search import search
from tests.knowledge.conftest import LEAVE, newest

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

LIST = reverse("admin:knowledge_document_changelist")
ADD = reverse("admin:knowledge_document_add")
BUILDS = reverse("admin:knowledge_indexbuild_changelist")


def change(document):
    return reverse("admin:knowledge_document_change", args=[document.pk])


def form(**fields):
    return {"title": "", "content": "", "source": "", "document_type": "other", **fields}


@pytest.fixture
def desk(client, bob):
    """The admin as bob sees it: staff, without any permission row of his own."""
    client.force_login(bob)
    return client


def test_only_staff_come_in(client, alice):
    client.force_login(alice)
    for url in (LIST, ADD, BUILDS):
        assert client.get(url).status_code == 302


def test_the_list_shows_each_documents_state(desk, add_text, queued):
    add_text("Leave policy", LEAVE)
    add_text("Hidden guide", "other words", is_active=False)
    partly = add_text("Scanned book", "third words")
    partly.versions.update(warnings=["Pages 41 to 43 are pictures."])
    queued("waiting", "Waiting one")
    running = queued("running", "Running one")
    running.versions.update(state="processing", step="embedding", percent=64)
    failed = queued("failing", "Failing one")
    failed.versions.update(state="failed", error="All pages are pictures.")
    page = desk.get(LIST).content.decode()
    for words in (
        "Searchable",
        "Not in answers",
        "Partly read",
        "Pages 41 to 43 are pictures.",
        "Waiting",
        "Step 3 of 4, embedding",
        'value="64"',
        "Failed",
        "All pages are pictures.",
        "6 documents, 3 passages.",
    ):
        assert words in page, words


@pytest.mark.parametrize("status", ["pending", "ready", "failed", "cancelled"])
def test_the_list_is_filtered_and_searched(desk, queued, status):
    document = queued("words", "Wanted one")
    document.versions.update(state="queued" if status == "pending" else status)
    queued("words", "Unrelated").versions.update(state="ready" if status != "ready" else "failed")
    page = desk.get(LIST, {"status": status}).content.decode()
    assert "Wanted one" in page
    assert "Unrelated" not in page
    assert "Wanted one" in desk.get(LIST, {"q": "wanted"}).content.decode()


def test_the_list_asks_the_same_queries_at_3_and_at_40_rows(
    desk, queued, django_assert_num_queries, django_assert_max_num_queries
):
    for n in range(3):
        queued(f"text {n}", f"T{n}")
    desk.get(LIST)
    with django_assert_max_num_queries(20) as few:
        desk.get(LIST)
    for n in range(37):
        queued(f"text {n}", f"U{n}")
    with django_assert_num_queries(len(few)):
        desk.get(LIST)


def test_a_file_is_added_by_the_service(desk, upload, bob):
    Group.objects.create(name="hr")
    body = form(
        uploads=upload("Travel_policy.md", b"# Travel"),
        groups=[Group.objects.get().pk],
        is_active="on",
    )
    response = desk.post(ADD, body)
    assert response.status_code == 302
    document = Document.objects.get()
    assert (document.title, document.owner) == ("Travel policy", bob)
    assert [g.name for g in document.groups.all()] == ["hr"]
    assert newest(document).state == "queued"
    assert LogEntry.objects.get().object_id == str(document.pk)


def test_several_files_become_several_documents(desk, upload):
    files = [upload("a.md", b"# A"), upload("b.txt", b"b")]
    response = desk.post(ADD, form(uploads=files, title="ignored", is_active="on"), follow=True)
    assert b"2 documents were added" in response.content
    assert set(Document.objects.values_list("title", flat=True)) == {"a", "b"}


def test_a_text_is_pasted(desk):
    assert desk.post(ADD, form(title="Leave", content=LEAVE, is_active="on")).status_code == 302
    assert newest(Document.objects.get()).media_type == "text/markdown"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.exe", b"MZ\x90\x00", "not taken"),
        ("a.md", b"\x7fELF\x00", "something else"),
        ("a.pdf", b"no pdf", "something else"),
        ("empty.md", b"", "empty"),
    ],
)
def test_a_wrong_file_is_a_sentence_in_the_form(desk, upload, name, data, words):
    response = desk.post(ADD, form(uploads=upload(name, data)))
    assert response.status_code == 200
    assert words in response.content.decode()
    assert not Document.objects.exists()
    assert not default_storage.exists("documents") or default_storage.listdir("documents")[1] == []


def test_too_large_a_file_and_a_full_disk_are_sentences(desk, upload, settings):
    settings.MAX_UPLOAD_MB = 1
    large = upload("a.txt", b"word " * 210_000)
    assert b"at most 1 MB" in desk.post(ADD, form(uploads=large)).content
    settings.MIN_FREE_BYTES = 2**62
    response = desk.post(ADD, form(uploads=upload("a.md", b"x")), follow=True)
    assert b"disk space" in response.content
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose a file or paste a text."),
        ({"content": "words"}, "needs a title"),
        ({"title": "t" * 201, "content": "x"}, "at most 200"),
        ({"title": "t", "content": "x", "document_type": "poem"}, "valid choice"),
    ],
)
def test_a_wrong_form_is_a_sentence(desk, fields, words):
    response = desk.post(ADD, form(**fields))
    assert response.status_code == 200
    assert words in response.content.decode()


def test_a_document_shows_its_versions_and_passages(desk, add_text):
    document = add_text("Leave", LEAVE)
    page = desk.get(change(document)).content.decode()
    for words in ("Searchable", "Leave.md", "Up to five days", "Versions"):
        assert words in page


def test_a_change_goes_through_the_service(desk, add_text, upload):
    document = add_text("Leave", LEAVE)
    wanted = IndexState.objects.get().wanted
    body = form(title="Holidays", uploads=upload("l.md", b"# Leave\n\nSix."), is_active="on")
    assert desk.post(change(document), body).status_code == 302
    document.refresh_from_db()
    assert (document.title, newest(document).number) == ("Holidays", 2)
    assert document.active_version.number == 1
    assert IndexState.objects.get().wanted == wanted + 1  # the title is in the index


def test_the_same_file_again_is_said(desk, add_text, upload):
    document = add_text("Leave", LEAVE)
    body = form(title="Leave", uploads=upload("leave.md", LEAVE.encode()), is_active="on")
    response = desk.post(change(document), body, follow=True)
    assert b"the same as version 1" in response.content
    assert document.versions.count() == 1


def test_a_wrong_new_version_changes_nothing(desk, add_text, upload):
    document = add_text("Leave", LEAVE)
    body = form(title="Holidays", uploads=upload("a.zip", b"PK\x03\x04"), is_active="on")
    response = desk.post(change(document), body)
    assert response.status_code == 200
    document.refresh_from_db()
    assert (document.title, document.versions.count()) == ("Leave", 1)


@pytest.mark.django_db(transaction=True)
def test_deleting_goes_through_the_service_and_keeps_no_title(desk, add_text):
    document = add_text("Needletitle", "needle words")
    url = reverse("admin:knowledge_document_delete", args=[document.pk])
    assert b"with its versions and passages" in desk.get(url).content
    desk.post(url, {"post": "yes"})
    assert not Document.objects.exists()
    assert search("needle", user=None).passages == ()
    assert default_storage.listdir("documents")[1] == []
    assert not LogEntry.objects.filter(object_repr__contains="Needletitle").exists()


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [("deactivate", "is_active", False), ("activate", "is_active", True)],
)
def test_actions_switch_several(desk, add_text, action, field, value):
    document = add_text("Leave", LEAVE, is_active=not value)
    desk.post(LIST, {"action": action, "_selected_action": [document.pk]})
    document.refresh_from_db()
    assert getattr(document, field) is value


@pytest.mark.django_db(transaction=True)
def test_actions_process_again_cancel_and_delete_several(desk, add_text, queued):
    ready, waiting = add_text("Leave", LEAVE), queued("words", "Waiting")
    desk.post(LIST, {"action": "process_again", "_selected_action": [ready.pk]})
    assert newest(ready).number == 2
    chosen = [ready.pk, waiting.pk]
    desk.post(LIST, {"action": "cancel_processing", "_selected_action": chosen})
    assert {newest(ready).state, newest(waiting).state} == {"cancelled"}
    response = desk.post(
        LIST, {"action": "cancel_processing", "_selected_action": chosen}, follow=True
    )
    assert b"Nothing of this document" in response.content
    body = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    desk.post(LIST, body)
    assert not Document.objects.exists()
    assert default_storage.listdir("documents")[1] == []


def test_hostile_words_stay_words(desk, queued):
    document = queued("words", "<script>alert(1)</script>")
    document.versions.update(state="failed", error="<img src=x onerror=alert(1)>")
    for url in (LIST, change(document)):
        page = desk.get(url).content.decode()
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page


def test_the_passages_of_a_version_are_listed(desk, add_text):
    document = add_text("Leave", LEAVE)
    url = reverse("admin:knowledge_chunk_changelist")
    page = desk.get(url, {"version__id__exact": document.active_version_id})
    assert b"five days" in page.content
    chunk = document.active_version.chunks.get()
    assert desk.get(reverse("admin:knowledge_chunk_change", args=[chunk.pk])).status_code == 200
    assert desk.get(reverse("admin:knowledge_chunk_add")).status_code == 403


def test_builds_are_shown_and_gone_back_to(desk, add_text):
    add_text("A", "words one")
    add_text("B", "words two")
    page = desk.get(BUILDS).content.decode()
    assert "Serving" in page
    assert "Kept" in page
    kept = IndexBuild.objects.get(state="kept")
    body = {"action": "activate", "_selected_action": [kept.pk]}
    assert b"Readers search build" in desk.post(BUILDS, body, follow=True).content
    kept.refresh_from_db()
    assert kept.state == "active"
    failed = IndexBuild.objects.create(state="failed", model="m")
    body = {"action": "activate", "_selected_action": [failed.pk]}
    assert b"Only a kept build" in desk.post(BUILDS, body, follow=True).content


def test_a_rebuild_is_asked_for_by_a_form_and_never_by_a_link(desk, add_text):
    add_text("A", "words one")
    wanted = IndexState.objects.get().wanted
    url = reverse("admin:knowledge_indexbuild_rebuild")
    assert desk.get(url).status_code == 200
    assert IndexState.objects.get().wanted == wanted
    assert desk.post(url, {"_form_submitted": "on"}).status_code == 302
    assert IndexState.objects.get().wanted == wanted + 1
    response = desk.post(url, {"_form_submitted": "on"}, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == BUILDS
