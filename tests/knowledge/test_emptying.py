"""Everything out: confirmed by typed words, at once for readers, whole even when killed."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from core.errors import Conflict, Invalid
from knowledge.models import (
    Chunk,
    Document,
    DocumentVersion,
    Embedding,
    IndexBuild,
    Receipt,
    WatchedFolder,
)
from knowledge.schedule import erase, sweep
from knowledge.search import search
from knowledge.services import deleting, empty_knowledge_base
from knowledge.services.emptying import CONFIRMATION
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture
def full(queued, work):
    made = [queued(f"needle number{n}", f"T{n}") for n in range(5)]
    work()
    return made


@pytest.mark.parametrize("typed", ["", "yes", "delete", "delete everythin", "5"])
def test_without_the_typed_words_nothing_happens(full, bob, typed):
    with pytest.raises(Invalid) as refused:
        empty_knowledge_base(bob, typed)
    assert "delete everything" in refused.value.fields["confirmation"][0]
    assert Document.objects.filter(is_active=True).count() == 5
    assert not Receipt.objects.exists()


def test_readers_find_nothing_from_that_moment_and_the_rest_is_erased(full, bob, work):
    folder = WatchedFolder.objects.create(path="/srv/handbook")
    receipt = empty_knowledge_base(bob, " Delete  everything ", "moving house")
    assert search("needle", user=None).passages == ()
    assert Document.objects.count() == 5
    assert erase(str(receipt.pk)) == 5
    for model in (Document, DocumentVersion, Chunk, Embedding):
        assert not model.objects.exists(), model
    assert default_storage.listdir("documents")[1] == []
    for _ in range(3):
        work()
        sweep()
    receipt.refresh_from_db()
    assert (receipt.kind, receipt.requested_by, receipt.reason) == (
        "everything", bob, "moving house",
    )  # fmt: skip
    assert receipt.completed_at is not None
    assert receipt.waits_for == []
    assert len(receipt.document_ids) == len(receipt.sha256) == 5
    assert not IndexBuild.objects.filter(state__in=("active", "kept")).exists()
    folder.refresh_from_db()
    assert folder.is_active is False
    entry = LogEntry.objects.get(object_id=str(receipt.pk))
    assert (entry.user, entry.object_repr) == (bob, "Knowledge base emptied: 5 documents")


def test_killed_in_the_middle_the_sweep_goes_on(full, bob, monkeypatch):
    receipt = empty_knowledge_base(bob, CONFIRMATION)
    plain, seen = deleting._erase_some, []

    def die(receipt_id, ids):
        if len(seen) == 2:
            raise RuntimeError("killed")
        seen.append(ids)
        return plain(receipt_id, ids)

    with monkeypatch.context() as deadly:
        deadly.setattr(deleting, "_AT_ONCE", 1)
        deadly.setattr(deleting, "_erase_some", die)
        with pytest.raises(RuntimeError):
            erase(str(receipt.pk))
    assert Document.objects.count() == 3
    assert sweep()["erase"] == 1
    erase(str(receipt.pk))
    assert not Document.objects.exists()
    assert sweep()["erase"] == 0


def test_what_is_added_afterwards_stays(full, bob, queued):
    receipt = empty_knowledge_base(bob, CONFIRMATION)
    later = queued("later words", "Later")
    erase(str(receipt.pk))
    assert list(Document.objects.all()) == [later]


def test_of_nothing_there_is_no_receipt(bob, db):
    with pytest.raises(Conflict):
        empty_knowledge_base(bob, CONFIRMATION)
    assert not Receipt.objects.exists()
    assert not LogEntry.objects.exists()


def test_twice_at_once_is_no_error(full, bob, work):
    first = empty_knowledge_base(bob, CONFIRMATION)
    second = empty_knowledge_base(bob, CONFIRMATION)
    erase(str(first.pk))
    assert erase(str(second.pk)) == 0
    for _ in range(3):
        work()
        sweep()
    assert Receipt.objects.filter(completed_at=None).count() == 0


def test_the_command_asks_for_the_words(full, monkeypatch, bob):
    for typed in ("no\n", ""):
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        with pytest.raises(CommandError, match="Nothing was done"):
            call_command("empty_knowledge_base", "--by", bob.email, stdout=StringIO())
    assert Document.objects.count() == 5
    monkeypatch.setattr("sys.stdin", StringIO("delete everything\n"))
    out = StringIO()
    call_command("empty_knowledge_base", "--by", bob.email, stdout=out)
    assert "5 documents were erased" in out.getvalue()
    assert not Document.objects.exists()
    assert LogEntry.objects.get().user == bob


def test_a_script_may_say_so_beforehand_and_the_journal_names_the_only_superuser(full):
    superuser = make_member("root", is_superuser=True)
    call_command("empty_knowledge_base", "--yes-delete-everything", stdout=StringIO())
    assert not Document.objects.exists()
    assert LogEntry.objects.get().user == superuser
    with pytest.raises(CommandError):
        call_command("empty_knowledge_base", "--yes-delete-everything", stdout=StringIO())
    with pytest.raises(CommandError, match="no account"):
        call_command("empty_knowledge_base", "--by", "nobody@example.org", stdout=StringIO())


@pytest.mark.parametrize("superusers", [0, 2])
def test_nobody_empties_it_without_a_name(full, superusers):
    for number in range(superusers):
        make_member(f"root{number}", is_superuser=True)
    make_member("gone", is_superuser=True, is_active=False)
    with pytest.raises(CommandError, match="--by EMAIL"):
        call_command("empty_knowledge_base", "--yes-delete-everything", stdout=StringIO())
    assert Document.objects.filter(is_active=True).count() == 5
    assert not Receipt.objects.exists()
