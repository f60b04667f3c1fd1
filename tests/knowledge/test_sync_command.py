"""``manage.py sync_folder``: what an operator types, and what comes back."""

import os
import time
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from knowledge.models import Document, Receipt, WatchedFolder
from knowledge.schedule import erase
from knowledge.search import search
from knowledge.services import deleting
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "handbook"
    folder.mkdir()
    for name in ("leave", "travel"):
        path = folder / f"{name}.md"
        path.write_text(f"# {name}\n\nneedleword of {name}")
        old = time.time() - 60
        os.utime(path, (old, old))
    return folder


@pytest.fixture
def superuser(db):
    return make_member("root", is_staff=True, is_superuser=True)


def run(*arguments):
    out, errors = StringIO(), StringIO()
    call_command("sync_folder", *map(str, arguments), stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


def test_one_look_makes_documents_and_leaves_the_schedule_alone(root):
    out, errors = run(root)
    assert out.startswith("2 added, 0 updated, 0 moved, 0 removed, 0 unchanged")
    assert errors == ""
    assert WatchedFolder.objects.get().is_active is False
    assert Document.objects.count() == 2


def test_watching_hands_it_to_the_schedule_and_unwatching_takes_it_back(root):
    run(root, "--watch")
    assert WatchedFolder.objects.get().is_active is True
    run(root)
    assert WatchedFolder.objects.get().is_active is True
    run(root, "--unwatch")
    assert WatchedFolder.objects.get().is_active is False


def test_waiting_makes_them_searchable(root):
    out, _ = run(root, "--wait")
    assert "2 of 2 are searchable." in out
    assert search("needleword", user=None).passages


def test_waiting_for_a_file_that_cannot_be_read_is_an_error(root):
    path = root / "broken.pdf"
    path.write_bytes(b"%PDF-1.4\nnot really")
    os.utime(path, (time.time() - 60,) * 2)
    with pytest.raises(CommandError, match="1 of 3 files could not be read"):
        run(root, "--wait")
    assert search("needleword", user=None).passages


def test_type_and_groups_can_be_given_and_changed(root, charlie):
    Group.objects.create(name="hr")
    run(root, "--type", "policy", "--group", "hr", "--wait")
    assert set(Document.objects.values_list("document_type", "is_restricted")) == {("policy", True)}
    assert search("needleword", user=charlie).passages == ()
    with pytest.raises(CommandError, match="no group"):
        run(root, "--group", "nobody")


def test_a_dry_run_leaves_no_trace(root):
    out, _ = run(root, "--dry-run", "--watch")
    assert out.startswith("Would be: 2 added")
    assert not Document.objects.exists()
    assert not WatchedFolder.objects.exists()


def test_a_folder_that_is_not_there_is_an_error_and_removes_nothing(root, tmp_path):
    with pytest.raises(CommandError, match="not a folder"):
        run(tmp_path / "nowhere")
    run(root)
    root.rename(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="is not there"):
        run(root)
    assert Document.objects.count() == 2


def test_a_mass_removal_is_an_error_until_it_is_forced(root):
    for number in range(25):
        (root / f"n{number}.md").write_text(f"# N{number}")
    run(root)
    for path in root.iterdir():
        path.unlink()
    with pytest.raises(CommandError, match="--force"):
        run(root)
    assert Document.objects.count() == 27
    run(root, "--force")
    assert not Document.objects.exists()


def test_clearing_asks_for_the_folders_name(root, monkeypatch, bob):
    run(root)
    monkeypatch.setattr("sys.stdin", StringIO("yes\n"))
    with pytest.raises(CommandError, match="Nothing was done"):
        run(root, "--clear", "--by", bob.email)
    assert Document.objects.count() == 2
    monkeypatch.setattr("sys.stdin", StringIO("handbook\n"))
    out, _ = run(root, "--clear", "--by", bob.email)
    assert "2 documents were erased" in out
    assert not Document.objects.exists()
    assert Receipt.objects.get().requested_by == bob
    assert LogEntry.objects.get().user == bob
    assert (root / "leave.md").exists()


def test_a_script_may_confirm_beforehand(root, superuser):
    with pytest.raises(CommandError, match="not a watched folder"):
        run(root, "--clear", "--yes-delete-everything")
    run(root)
    run(root, "--clear", "--yes-delete-everything")
    assert not Document.objects.exists()
    out, _ = run(root, "--clear", "--yes-delete-everything")
    assert "no document" in out
    assert LogEntry.objects.get().user == superuser


def test_the_journal_names_the_only_active_superuser(root, superuser):
    make_member("gone", is_superuser=True, is_active=False)
    run(root)
    run(root, "--clear", "--yes-delete-everything")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (superuser, str(Receipt.objects.get().pk))
    assert entry.object_repr == "Watched folder cleared: 2 documents"
    assert Receipt.objects.get().requested_by == superuser


@pytest.mark.parametrize("superusers", [0, 2])
def test_who_could_be_anybody_erases_nothing(root, superusers, monkeypatch):
    for number in range(superusers):
        make_member(f"root{number}", is_superuser=True)
    run(root, "--watch")
    monkeypatch.setattr("sys.stdin", StringIO("handbook\n"))
    for options in (("--clear",), ("--clear", "--yes-delete-everything")):
        with pytest.raises(CommandError, match="--by EMAIL"):
            run(root, *options)
    with pytest.raises(CommandError, match="no account"):
        run(root, "--clear", "--yes-delete-everything", "--by", "nobody@example.org")
    assert Document.objects.filter(is_active=True).count() == 2
    assert WatchedFolder.objects.get().is_active is True
    assert not Receipt.objects.exists()


def test_killed_before_the_work_the_journal_has_it_and_the_sweep_goes_on(
    root, superuser, monkeypatch
):
    run(root)

    def die(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as deadly:
        deadly.setattr(deleting, "erase_rest", die)
        with pytest.raises(RuntimeError):
            run(root, "--clear", "--yes-delete-everything")
    receipt = Receipt.objects.get()
    assert LogEntry.objects.get(object_id=str(receipt.pk)).user == superuser
    assert not Document.objects.filter(is_active=True).exists()
    erase(str(receipt.pk))
    assert not Document.objects.exists()
