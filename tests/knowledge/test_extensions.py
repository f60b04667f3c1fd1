"""A new document is searchable in seconds: beside the full build, which follows when it pays."""

import pytest

from knowledge import index_store, indexing
from knowledge.indexing import due, extending, full_builds, rows
from knowledge.indexing.leases import claim_build
from knowledge.models import Document, IndexBuild, IndexState
from knowledge.search import search
from knowledge.services import (
    DocumentChanges,
    activate_build,
    add_version,
    cancel,
    delete_document,
    request_rebuild,
    update_document,
)
from tests.knowledge.conftest import LEAVE
from tests.knowledge.releases import active, embedded, folders, found, on_disk

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def numbers():
    return list(IndexBuild.objects.order_by("pk").values_list("state", "base_id", "recent"))


def test_a_second_document_extends_the_first_build(add_text):
    add_text("Leave", LEAVE)
    full = active()
    add_text("Parking", "Bicycles stand in the yard.")
    build = active()
    assert (build.base, build.recent) == (full, 1)
    assert build.vectors == full.vectors + 1
    assert build.documents == 2
    assert found("bicycles yard")[0] == "Parking"
    assert found("annual leave")[0] == "Leave"


def test_each_extension_begins_with_the_full_build(add_text):
    add_text("Leave", LEAVE)
    full = active()
    for n in range(3):
        add_text(f"T{n}", f"text about thing{n}")
    build = active()
    assert (build.base, build.recent, build.documents) == (full, 3, 4)


def test_a_replaced_document_answers_with_its_new_words_alone(add_text, work):
    document = add_text("Leave", "oldneedle words")
    add_text("Other", "other words")
    add_version(document, "newneedle words")
    work()
    assert active().base is not None
    assert found("newneedle")[0] == "Leave"
    assert not any("oldneedle" in p.text for p in search("oldneedle", user=None).passages)
    index = index_store.current().index
    assert index.versions()[document.pk] == document.versions.get(number=2).pk


def test_a_new_title_is_an_extension_too(add_text):
    add_text("Other", "other words")
    document = add_text("Leave", LEAVE)
    before = active()
    update_document(document, DocumentChanges(title="Sabbatical"))
    assert indexing.build_index()
    assert active().base == before.base
    assert found("sabbatical")[0] == "Sabbatical"


def test_a_version_cancelled_before_its_build_needs_no_full_one(add_text):
    document = add_text("Leave", "first words")
    add_text("Other", "other words")
    base = active().base
    indexing.process_version(add_version(document, "second words").pk)
    cancel(document)
    indexing.build_index()
    assert active().base == base
    state = IndexState.objects.get()
    assert state.built == state.wanted


def test_a_wish_that_nothing_explains_makes_a_full_build(add_text):
    add_text("Leave", LEAVE)
    add_text("Other", "other words")
    assert active().base is not None
    index_store.want_build()
    assert indexing.build_index()
    assert active().base is None
    assert not indexing.is_build_due()


def test_a_large_recent_part_is_merged_into_a_full_build(add_text, monkeypatch):
    monkeypatch.setattr(due, "LARGE_CHUNKS", 3)
    monkeypatch.setattr(due, "SMALL_CHUNKS", 0)
    add_text("First", "first words")
    for n in range(3):
        add_text(f"T{n}", f"text about thing{n}")
        assert active().base is not None
    add_text("T3", "text about thing3")
    assert (active().base, active().vectors) == (None, 5)
    assert IndexBuild.objects.filter(base__isnull=False).order_by("-pk")[0].recent == 4
    assert not indexing.is_build_due()


def test_while_uploads_wait_a_full_build_waits_too(add_text, queued, monkeypatch):
    monkeypatch.setattr(due, "LARGE_CHUNKS", 1)
    add_text("First", "first words")
    queued("still waiting", "Waiting")
    for n in range(3):
        add_text(f"T{n}", f"text about thing{n}")
    assert active().recent == 3


def test_what_is_too_much_for_an_extension_is_built_in_full(add_text, monkeypatch):
    add_text("First", "first words")
    monkeypatch.setattr(extending, "_MOST_CHUNKS", 1)
    monkeypatch.setattr(extending, "_MOST_SHARE", 0)
    embedded("text about thing1", "T1")
    embedded("text about thing2", "T2")
    assert indexing.build_index()
    assert (active().base, active().documents) == (None, 3)


def test_a_full_build_that_is_gone_cannot_be_extended_and_is_made_again(add_text):
    add_text("First", "first words")
    add_text("Second", "second words")
    base = active().base
    folder = index_store.folder_of(base)
    folder.rename(folder.with_name("taken-away"))
    embedded("third words", "Third")
    assert indexing.build_index()
    assert (active().base, active().documents) == (None, 3)
    assert found("third words")[0] == "Third"


def test_a_new_document_is_searchable_while_a_full_build_is_made(add_text, monkeypatch):
    """Another worker publishes an extension while this one is writing all rows."""
    monkeypatch.setattr(due, "SMALL_CHUNKS", 0)
    add_text("First", "first words")
    request_rebuild()
    write_full, seen = full_builds.write_full, []

    def busy(*arguments):
        embedded("bicycle words", "Bicycles")
        assert indexing.build_index()  # the other worker: the full build is taken
        seen.append((found("bicycle words")[0], active().base is not None))
        write_full(*arguments)

    monkeypatch.setattr(full_builds, "write_full", busy)
    assert indexing.build_index()
    assert seen == [("Bicycles", True)]
    # What came meanwhile stands beside the new full build, published with it at once.
    assert active().base.pk == IndexBuild.objects.filter(base=None).order_by("-pk")[0].pk
    assert found("bicycle words")[0] == "Bicycles"
    assert found("first words")[0] == "First"
    assert not indexing.is_build_due()
    assert Document.objects.exclude(active_version=None).count() == 2


def test_what_is_embedded_while_a_full_build_is_made_is_published_with_it(add_text, monkeypatch):
    add_text("First", "first words")
    request_rebuild()
    write_full = full_builds.write_full

    def busy(*arguments):
        write_full(*arguments)
        embedded("bicycle words", "Bicycles")

    monkeypatch.setattr(full_builds, "write_full", busy)
    assert indexing.build_index()
    assert active().recent == 1
    assert found("bicycle words")[0] == "Bicycles"


def test_the_first_build_of_many_documents_is_one_full_build(queued, work):
    for n in range(6):
        queued(f"text about thing{n}", f"T{n}")
    work()
    assert numbers() == [("active", None, 0)]


def test_a_full_build_waits_for_an_extension_under_way(add_text, monkeypatch):
    add_text("First", "first words")
    request_rebuild()
    lease = claim_build()
    waits = []

    def look(seconds):
        waits.append(seconds)
        lease.close(attempts=0)

    monkeypatch.setattr(full_builds.time, "sleep", look)
    assert indexing.build_index()
    assert len(waits) == 1


def test_a_rollback_to_before_an_extension_holds_until_something_new_comes(add_text, work):
    document = add_text("Leave", "oldneedle words")
    add_text("Other", "other words")
    before = active()
    add_version(document, "newneedle words")
    work()
    activate_build(before)
    assert indexing.build_index() is False
    assert not indexing.is_build_due()
    assert active() == before
    assert index_store.status()["rolled_back"] is True
    assert found("oldneedle")[0] == "Leave"
    add_text("Third", "third words")
    assert index_store.status()["rolled_back"] is False
    assert found("newneedle")[0] == "Leave"


def test_a_small_index_is_written_in_full_at_once_after_a_delete(add_text):
    document = add_text("First", "needleone words")
    add_text("Second", "second words")
    delete_document(document)
    assert indexing.build_index()
    assert (active().base, active().documents) == (None, 1)
    assert folders() == on_disk() == [active().folder]


def test_in_a_large_index_an_extension_comes_first_and_the_full_build_after_it(
    add_text, monkeypatch
):
    monkeypatch.setattr(due, "SMALL_CHUNKS", 0)
    gone = add_text("First", "needleone words")
    add_text("Second", "second words")
    delete_document(gone)
    embedded("third words", "Third")
    assert indexing.build_index()
    states = numbers()
    assert [base is not None for _, base, _ in states[-2:]] == [True, False]
    assert (active().base, active().documents) == (None, 2)
    assert folders() == [active().folder]


def test_of_a_document_only_the_newest_version_counts(add_text, monkeypatch):
    document = add_text("Leave", "first words")
    second, third = add_version(document, "second words"), None
    indexing.process_version(second.pk)
    third = add_version(document, "third words")
    indexing.process_version(third.pk)
    assert indexing.build_index()
    assert rows.changed_since(active().revision) == []
    assert found("third words") == ["Leave"]
