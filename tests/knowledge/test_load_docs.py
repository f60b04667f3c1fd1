"""``manage.py load_docs``: as often as one likes."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from knowledge.models import Document
from knowledge.search import search
from tests.knowledge.conftest import newest

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "manual"
    (folder / "deep").mkdir(parents=True)
    (folder / "asking.md").write_text("# Asking questions\n\nType into the composer.")
    (folder / "deep" / "index.md").write_text("No heading, but needlewords.")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.md").write_text("# Hidden")
    return folder


def load(folder, *options):
    out, err = StringIO(), StringIO()
    call_command("load_docs", str(folder), *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_each_supported_file_becomes_a_document(folder):
    out, err = load(folder)
    assert "2 of 2 files are new" in out
    assert err == ""
    rows = set(Document.objects.values_list("title", "source", "document_type"))
    assert rows == {
        ("Asking questions", "manual/asking.md", "manual"),
        ("index", "manual/deep/index.md", "manual"),
    }
    assert {newest(d).state for d in Document.objects.all()} == {"queued"}


def test_loading_again_changes_nothing(folder):
    load(folder, "--wait")
    out, _ = load(folder, "--wait")
    assert "0 of 2 files are new" in out
    assert Document.objects.count() == 2


def test_a_changed_file_becomes_a_version_and_a_missing_one_stays(folder):
    load(folder, "--wait")
    (folder / "asking.md").write_text("# Asking questions\n\nPress Enter.")
    (folder / "deep" / "index.md").unlink()
    out, _ = load(folder, "--wait")
    assert "1 of 1 files are new" in out
    changed = Document.objects.get(source="manual/asking.md")
    assert (changed.versions.count(), changed.active_version.number) == (2, 2)
    assert Document.objects.count() == 2


def test_waiting_makes_them_searchable_and_says_how_far_it_is(folder):
    out, _ = load(folder, "--wait")
    assert "[1/2] Asking questions" in out
    assert "[2/2] index" in out
    assert "2 of 2 are searchable." in out
    assert search("needlewords", user=None).passages[0].title == "index"


def test_a_file_that_is_not_what_it_says_is_named_and_holds_up_no_other(folder):
    (folder / "broken.pdf").write_bytes(b"not a pdf")
    out, err = load(folder)
    assert "broken.pdf" in err
    assert "2 of 3 files" in out


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CommandError, match="not a folder"):
        load(tmp_path / "nowhere")
