"""The admin's form of a document: who may read it, and files stored before the transaction."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage
from django.db import connection

from knowledge import storage
from knowledge.models import Document, DocumentVersion
from tests.knowledge.conftest import LEAVE
from tests.knowledge.test_admin import ADD, LIST, change, form

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def desk(client, bob):
    client.force_login(bob)
    return client


def test_a_restricted_document_without_a_group_says_so_and_stays_closed(desk, add_text, alice):
    document = add_text("Leave", LEAVE, groups=("hr",))
    Group.objects.get(name="hr").delete()
    for url in (LIST, change(document)):
        assert "restricted, no group left" in desk.get(url).content.decode()
    desk.post(change(document), form(title="Holidays", is_active="on"))
    document.refresh_from_db()
    assert document.title == "Holidays"
    assert not Document.objects.visible_to(alice).exists()
    desk.post(LIST, {"action": "open_to_all", "_selected_action": [document.pk]})
    assert Document.objects.visible_to(alice).exists()


def test_groups_are_given_and_taken_in_the_form(desk, add_text, alice):
    document = add_text("Leave", LEAVE)
    group = Group.objects.create(name="hr")
    desk.post(change(document), form(title="Leave", is_active="on", groups=[group.pk]))
    assert not Document.objects.visible_to(alice).exists()
    desk.post(change(document), form(title="Leave", is_active="on"))
    assert Document.objects.visible_to(alice).exists()


@pytest.mark.django_db(transaction=True)
def test_files_are_stored_before_the_transaction_and_none_is_left_over(desk, upload, monkeypatch):
    in_transaction = []
    store = storage.store

    def note(*given):
        in_transaction.append(connection.in_atomic_block)
        return store(*given)

    monkeypatch.setattr(storage, "store", note)
    files = [upload("a.md", b"# A"), upload("b.md", b"# B")]
    assert desk.post(ADD, form(uploads=files, is_active="on")).status_code == 302
    assert in_transaction == [False, False]
    stored = {version.file for version in DocumentVersion.objects.all()}
    root = Path(default_storage.location)
    assert {(root / name).read_bytes() for name in stored} == {b"# A", b"# B"}
    wrong = form(uploads=[upload("c.md", b"# C"), upload("d.zip", b"PK")], is_active="on")
    assert desk.post(ADD, wrong).status_code == 200
    assert {f"documents/{name}" for name in default_storage.listdir("documents")[1]} == stored
