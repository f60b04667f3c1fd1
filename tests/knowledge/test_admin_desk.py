"""The admin's own pages: many files, the playground, receipts, releases; each for staff alone."""

import re
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime

from knowledge.models import (
    Document,
    ExpansionTerm,
    IndexBuild,
    IndexConfiguration,
    IndexState,
    Receipt,
    WatchedFolder,
)
from knowledge.search import search
from knowledge.services import delete_document
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

FILES = reverse("admin:knowledge_document_files")
TAKE = reverse("admin:knowledge_document_take")
STATES = reverse("admin:knowledge_document_states")
PLAYGROUND = reverse("admin:knowledge_playground")
RECEIPTS = reverse("admin:knowledge_receipt_changelist")
BUILDS = reverse("admin:knowledge_indexbuild_changelist")
LIST = reverse("admin:knowledge_document_changelist")
GO = {"_form_submitted": "True"}  # what a dialog of the theme sends along
OTHERS = (
    reverse("admin:knowledge_watchedfolder_changelist"),
    reverse("admin:knowledge_expansionterm_changelist"),
    reverse("admin:knowledge_indexconfiguration_changelist"),
)


@pytest.fixture
def desk(client, bob):
    client.force_login(bob)
    return client


def page(client, url, **fields):
    response = client.post(url, fields) if fields else client.get(url)
    return response.content.decode()


def shown(html):
    """What is read of a page, without tags and with single blanks."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("url", [FILES, STATES, PLAYGROUND, RECEIPTS, BUILDS, *OTHERS])
def test_only_staff_come_in(client, alice, url):
    assert client.get(url).status_code == 302
    client.force_login(alice)
    assert client.get(url).status_code == 302


def test_a_stranger_adds_no_file(client, alice):
    client.force_login(alice)
    file = SimpleUploadedFile("leave.md", LEAVE.encode())
    assert client.post(TAKE, {"file": file, "document_type": "other"}).status_code == 302
    assert not Document.objects.exists()


def test_each_dropped_file_is_a_document_or_a_sentence(desk, bob):
    Group.objects.create(name="hr")
    shared = {"document_type": "policy", "groups": [Group.objects.get().pk]}
    good = desk.post(TAKE, {"file": SimpleUploadedFile("leave.md", LEAVE.encode()), **shared})
    assert good.status_code == 201
    document = Document.objects.get(pk=good.json()["id"])
    assert (document.title, document.document_type, document.owner) == ("leave", "policy", bob)
    assert document.is_restricted
    bad = desk.post(TAKE, {"file": SimpleUploadedFile("x.exe", b"MZ\x90\x00"), **shared})
    assert bad.status_code == 415
    assert "not taken" in bad.json()["detail"]
    assert desk.post(TAKE, shared).status_code == 400
    wrong = {"file": SimpleUploadedFile("a.md", b"# A"), "document_type": "spell"}
    assert desk.post(TAKE, wrong).status_code == 400
    assert Document.objects.count() == 1


def test_an_archive_may_be_dropped_too(desk):
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("leave.md", LEAVE)
    file = SimpleUploadedFile("all.zip", packed.getvalue())
    assert desk.post(TAKE, {"file": file, "document_type": "other"}).status_code == 201


def test_the_page_is_told_how_far_documents_are(desk, queued, add_text):
    ready = add_text("Leave", LEAVE)
    running = queued("running", "Running one")
    running.versions.update(
        state="processing", step="embedding", percent=50, page_count=40, pages_done=12,
        progress={"total": 400, "from": 0, "done": 100, "spent": 20.0},
    )  # fmt: skip
    news = desk.get(STATES, {"ids": f"{ready.pk},{running.pk},999,abc,-1"}).json()
    assert set(news) == {str(ready.pk), str(running.pk)}
    assert "12 of 40 pages" in news[str(running.pk)]
    assert "about 60 s left" in news[str(running.pk)]
    assert "data-pending" in news[str(running.pk)]
    assert "Searchable" in news[str(ready.pk)]
    assert "data-pending" not in news[str(ready.pk)]
    assert desk.get(STATES).json() == {}


def test_the_list_names_what_a_manager_should_look_at(desk, add_text):
    today = timezone.localdate()
    old = add_text("Old rules", LEAVE)
    new = add_text("New rules", "Other words about leave.")
    Document.objects.filter(pk=old.pk).update(
        superseded_by=new, review_by=today - timedelta(days=1)
    )
    new.versions.update(is_complete=False, warnings=["2 of 9 pages have no text."])
    html = shown(page(desk, LIST))
    assert "Superseded by “New rules”" in html
    assert "Review was due on" in html
    assert "Not wholly read" in html
    for look, title in (("review", "Old rules"), ("incomplete", "New rules")):
        found = shown(page(desk, f"{LIST}?look={look}"))
        assert title in found
        assert ({"Old rules", "New rules"} - {title}).pop() not in found.split("Superseded by")[0]


def test_dates_are_set_in_the_form_and_wrong_ones_are_named(desk, add_text):
    document = add_text("Leave", LEAVE)
    url = reverse("admin:knowledge_document_change", args=[document.pk])
    fields = {"title": "Leave", "content": "", "source": "", "document_type": "other"}
    wrong = {**fields, "effective_from": "2026-05-02", "expires_on": "2026-05-01"}
    response = desk.post(url, {**wrong, "is_active": "on"})
    assert "cannot expire before it is in effect" in response.content.decode()
    circle = {**fields, "superseded_by": document.pk, "is_active": "on"}
    assert "cannot be replaced by itself" in desk.post(url, circle).content.decode()
    right = {**fields, "expires_on": "2020-01-01", "is_active": "on"}
    assert desk.post(url, right).status_code == 302
    document.refresh_from_db()
    assert str(document.expires_on) == "2020-01-01"
    assert search("parental leave weeks", user=None).passages == ()


def test_the_playground_shows_every_stage_and_asks_as_others(desk, add_text, alice):
    add_text("Leave policy", LEAVE)
    add_text("Salaries", "Parental leave of the board is paid by the bank.", groups=("hr",))
    empty = shown(page(desk, PLAYGROUND))
    assert "Ask a question as a reader would" in empty
    question = {"question": "How is parental leave paid?", "asker": "visitor"}
    visitor = page(desk, PLAYGROUND, **question)
    assert "Leave policy" in visitor
    assert "Salaries" not in visitor
    assert "board is paid" not in visitor
    assert "Milliseconds" in visitor
    member = page(desk, PLAYGROUND, **{**question, "asker": "group:hr"})
    assert "Salaries" in member
    person = {**question, "asker": "person", "email": alice.email}
    assert "Salaries" not in page(desk, PLAYGROUND, **person)
    alice.groups.add(Group.objects.get(name="hr"))
    assert "Salaries" in page(desk, PLAYGROUND, **person)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"question": " ", "asker": "visitor"}, "Ask something."),
        ({"question": "\x00", "asker": "visitor"}, "Null characters"),
        ({"question": "x" * 5001, "asker": "visitor"}, "5000"),
        ({"question": "leave", "asker": "group:none"}, "valid choice"),
        ({"question": "leave", "asker": "person", "email": "no@one.org"}, "no active account"),
        ({"question": "leave", "asker": "visitor", "limit": "900"}, "50"),
    ],
)
def test_a_wrong_question_is_named_in_the_playground(desk, fields, words):
    html = page(desk, PLAYGROUND, **fields)
    assert words in shown(html) or "This field is required" in shown(html)


def test_the_playground_works_before_there_is_an_index(desk):
    html = page(desk, PLAYGROUND, question="leave", asker="me")
    assert "no document that answers" in shown(html)


def test_emptying_needs_the_typed_words_and_leaves_a_receipt(desk, add_text, bob):
    add_text("Leave", LEAVE)
    url = f"{RECEIPTS}empty/"
    html = page(desk, url, confirmation="delete", reason="", **GO)
    assert "Type “delete everything” to confirm." in shown(html)
    assert Document.objects.count() == 1
    assert not Receipt.objects.exists()
    desk.post(url, {"confirmation": "delete everything", "reason": "A new start", **GO})
    receipt = Receipt.objects.get()
    assert (receipt.requested_by, receipt.reason) == (bob, "A new start")
    assert search("parental leave", user=None).passages == ()
    assert LogEntry.objects.filter(object_id=str(receipt.pk)).exists()
    listed = shown(page(desk, RECEIPTS))
    assert "Knowledge base emptied, 1 document" in listed
    detail = shown(page(desk, reverse("admin:knowledge_receipt_change", args=[receipt.pk])))
    assert "answers and searches" in detail


def test_a_deletion_leads_to_its_receipt(desk, add_text, bob):
    document = add_text("Leave", LEAVE)
    url = reverse("admin:knowledge_document_delete", args=[document.pk])
    html = desk.post(url, {"post": "yes"}, follow=True).content.decode()
    receipt = Receipt.objects.get()
    assert receipt.requested_by == bob
    assert str(receipt.pk) in html


def refused(build):
    IndexBuild.objects.filter(pk=build.pk).update(
        state="refused", gate={"verdict": "failed", "reason": "Recall fell by 8 points."}
    )
    return build


def test_a_refused_release_is_let_in_only_with_a_reason(desk, add_text, bob):
    add_text("Leave", LEAVE)
    build = refused(IndexBuild.objects.get(state="active"))
    listed = shown(page(desk, BUILDS))
    assert "Refused by the gate" in listed
    assert "Recall fell by 8 points." in listed
    url = reverse("admin:knowledge_indexbuild_let_in", args=[build.pk])
    desk.post(url, {"reason": " ", **GO})
    build.refresh_from_db()
    assert build.state == "refused"
    desk.post(url, {"reason": "The questions are out of date.", **GO})
    build.refresh_from_db()
    assert (build.state, build.overridden_by) == ("active", bob)
    assert build.override_reason == "The questions are out of date."


def test_only_a_refused_release_can_be_let_in(desk, add_text):
    add_text("Leave", LEAVE)
    build = IndexBuild.objects.get(state="active")
    url = reverse("admin:knowledge_indexbuild_let_in", args=[build.pk])
    assert desk.post(url, {"reason": "why not", **GO}).status_code in {302, 403}
    build.refresh_from_db()
    assert build.override_reason == ""


def test_comparing_and_repairing_are_one_click(desk, add_text):
    add_text("Leave", LEAVE)
    html = desk.post(f"{BUILDS}compare/", GO, follow=True).content.decode()
    assert "0 missing, 0 orphaned, 0 stale, 0 of another model" in shown(html)
    desk.post(f"{BUILDS}rebuild/", GO)
    state = IndexState.objects.get()
    assert state.full_wanted > state.full_built


def test_a_configuration_gets_a_better_name_and_nothing_else(desk, add_text):
    add_text("Leave", LEAVE)
    configuration = IndexConfiguration.objects.get()
    url = reverse("admin:knowledge_indexconfiguration_change", args=[configuration.pk])
    desk.post(url, {"name": "Large passages", "top_k": "50"})
    kept = configuration.top_k
    configuration.refresh_from_db()
    assert (configuration.name, configuration.top_k) == ("Large passages", kept)


def test_watched_folders_show_their_last_look_and_are_not_added_here(desk, tmp_path):
    folder = WatchedFolder.objects.create(
        path=str(tmp_path),
        synced_at=timezone.now(),
        result={"added": 3, "failed": [{"path": "a.pdf", "detail": "It is encrypted."}]},
    )
    html = shown(page(desk, OTHERS[0]))
    assert "3 added" in html
    assert "It is encrypted." in html
    assert desk.get(reverse("admin:knowledge_watchedfolder_add")).status_code == 403
    url = reverse("admin:knowledge_watchedfolder_change", args=[folder.pk])
    desk.post(url, {"path": "/etc"})
    folder.refresh_from_db()
    assert (folder.path, folder.is_active) == (str(tmp_path), False)


def test_words_are_listed_and_edited(desk):
    url = reverse("admin:knowledge_expansionterm_add")
    desk.post(url, {"kind": "synonym", "term": "leave", "alternatives": "holiday\nabsence"})
    assert ExpansionTerm.objects.get().alternative_list == ["holiday", "absence"]
    assert "holiday, absence" in shown(page(desk, OTHERS[1]))


def test_a_warning_stands_once_on_a_documents_page(desk, add_text):
    document = add_text("Scanned book", "some words")
    document.versions.update(warnings=["Pages 41 to 43 are pictures."])
    url = reverse("admin:knowledge_document_change", args=[document.pk])
    text = page(desk, url)
    assert "Partly read" in text
    assert text.count("Pages 41 to 43 are pictures.") == 1


def test_the_playground_is_in_the_menu_of_every_page(desk, add_text):
    link = f'href="{reverse("admin:knowledge_playground")}"'
    for url in (reverse("admin:index"), reverse("admin:evaluation_question_changelist")):
        text = page(desk, url)
        assert link in text
        assert "Playground" in text
        assert f'href="{reverse("admin:evaluation_run_changelist")}"' in text


def test_dates_have_one_form(desk, add_text):
    add_text("Leave", LEAVE)
    build = IndexBuild.objects.get(state="active")
    day = date_format(localtime(build.activated_at), "j M Y, H:i")
    url = reverse("admin:knowledge_indexbuild_change", args=[build.pk])
    assert day in page(desk, url)


def test_the_checksums_of_a_receipt_are_folded_away(desk, add_text):
    receipt = delete_document(add_text("Leave", LEAVE))
    text = page(desk, reverse("admin:knowledge_receipt_change", args=[receipt.pk]))
    assert "1 checksum (SHA-256)" in text
    assert f"<li><code>{receipt.sha256[0]}</code></li>" in text
