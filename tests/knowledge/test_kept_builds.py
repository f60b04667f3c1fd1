"""Which builds stay, which of them hold a document, and in which engine they lie."""

import os
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge import engines, index_store, indexing
from knowledge.indexing import cleaning, retention
from knowledge.models import IndexBuild
from knowledge.retrieval.backends.files import FilesEngine
from knowledge.retrieval.types import IndexUnusable
from knowledge.schedule import sweep
from knowledge.services import activate_build, add_version, delete_document, request_rebuild
from tests.knowledge.releases import active, embedded, folders, found, on_disk

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def test_a_release_holds_the_documents_of_the_full_build_that_it_extends(add_text, work):
    first, second = add_text("First", "first words"), add_text("Second", "second words")
    full, extension = IndexBuild.objects.order_by("pk")
    assert retention.builds_holding([first.pk]) == [full.pk, extension.pk]
    assert retention.builds_holding([second.pk]) == [extension.pk]
    assert retention.builds_holding([10**9]) == []
    assert retention.builds_holding([]) == []


def test_a_hidden_document_is_still_held(add_text, work):
    """Replaced in an extension, its old words lie in the full build's files."""
    document = add_text("First", "first words")
    add_text("Other", "other text")
    add_version(document, "second words")
    work()
    assert active().pk in retention.builds_holding([document.pk])


def test_a_build_under_way_and_one_that_cannot_be_read_may_hold_anything(add_text):
    document = add_text("First", "first words")
    under_way = IndexBuild.objects.create(model="bag-of-words@1")
    broken = IndexBuild.objects.create(model="x", state="kept", folder="build-nowhere")
    held = retention.builds_holding([document.pk + 1000])
    assert held == [under_way.pk, broken.pk]


def test_what_was_put_aside_as_damaged_may_hold_anything(add_text):
    add_text("First", "first words")
    build = active()
    index_store.put_aside(build, "a flipped bit")
    assert retention.builds_holding([1]) == [build.pk]
    engines.remove_quarantined(build.pk)
    assert retention.builds_holding([1]) == []


def test_after_an_erasure_no_build_holds_the_document(add_text):
    gone = add_text("Gone", "first words")
    add_text("Other", "other text")
    number = gone.pk
    delete_document(gone)
    assert retention.builds_holding([number])
    assert indexing.build_index()
    assert retention.builds_holding([number]) == []


def test_a_full_build_that_is_extended_stays_whatever_else_is_dropped(add_text, settings):
    settings.KEPT_BUILDS = 0
    for n in range(3):
        add_text(f"T{n}", f"text about thing{n}")
    assert folders() == sorted([active().folder, active().base.folder])
    request_rebuild()
    assert indexing.build_index()
    assert folders() == [active().folder]


def test_of_the_generation_before_one_release_is_kept_and_can_be_gone_back_to(add_text):
    for n in range(3):
        add_text(f"T{n}", f"text about thing{n}")
    before = active()
    request_rebuild()
    assert indexing.build_index()
    add_text("T3", "text about thing3")
    kept = set(IndexBuild.objects.filter(state="kept").values_list("pk", flat=True))
    assert before.pk in kept
    activate_build(before)
    assert found("thing2")[0] == "T2"
    assert "T3" not in found("thing3")


def test_notes_on_a_full_build_stay_while_something_extends_it(add_text):
    add_text("First", "first words")
    add_text("Second", "second words")
    base = active().base
    IndexBuild.objects.filter(pk=base.pk).update(state="removed", created_at="2001-01-01T00:00:00Z")
    assert cleaning.forget_old_builds() == 0


def test_leftovers_of_refused_builds_are_no_leftovers(add_text):
    add_text("First", "first words")
    request_rebuild()
    indexing.build_index()
    IndexBuild.objects.filter(state="kept").update(state="refused")
    for name in folders():
        old = time.time() - 7200
        os.utime(index_store.folder_of(active()).parent / name, (old, old))
    assert cleaning.remove_leftover_folders() == 0
    assert folders() == on_disk()


def test_what_a_killed_worker_did_not_drop_is_dropped_by_the_sweep(add_text, monkeypatch):
    add_text("First", "first words")
    for _ in range(4):
        request_rebuild()
        with monkeypatch.context() as patch:
            patch.setattr(retention, "drop_old_builds", lambda: 0)
            assert indexing.build_index()
    assert len(folders()) == 5
    IndexBuild.objects.filter(pk=IndexBuild.objects.order_by("pk")[0].pk).update(state="removed")
    sweep()
    assert len(folders()) == 3
    assert folders() == on_disk()


def test_the_engine_of_the_settings_is_used_and_a_build_keeps_its_own(settings):
    assert isinstance(engines.engine(), FilesEngine)
    settings.VECTOR_INDEX = "pgvector"
    assert isinstance(engines.engine("files"), FilesEngine)
    assert isinstance(engines.engine_of(IndexBuild(engine="files")), FilesEngine)


def test_a_build_without_a_name_is_not_there(db):
    with pytest.raises(IndexUnusable):
        engines.open_build(IndexBuild(engine="files"))


def test_the_command_builds_here_and_now(add_text, capsys):
    call_command("build_index")
    assert "nothing to search yet" in capsys.readouterr().out
    embedded("first words", "First")
    call_command("build_index")
    assert f"Build {active().pk} is active now: 1 passages." in capsys.readouterr().out
    call_command("build_index")
    assert "was up to date" in capsys.readouterr().out
    before = active()
    call_command("build_index", "--full")
    assert active() != before
    assert active().base is None


def test_the_command_says_why_it_could_not_build(add_text, settings):
    embedded("first words", "First")
    settings.MIN_FREE_BYTES = 2**62
    with pytest.raises(CommandError, match="disk space"):
        call_command("build_index")


def test_the_list_of_builds_says_what_each_one_is(add_text, api, bob):
    add_text("First", "first words")
    add_text("Second", "second words")
    extension, full = api(bob).get("/api/knowledge/index/").json()["results"]
    assert (extension["kind"], extension["base"], extension["recent"]) == (
        "extension", full["id"], 1,
    )  # fmt: skip
    assert (full["kind"], full["base"]) == ("full", None)
    assert full["configuration"] == active().configuration.name
    assert full["gate"]["verdict"] in ("passed", "skipped")
    assert (full["progress"], extension["gate"]) == (None, None)


def test_a_list_of_many_builds_costs_as_many_queries_as_one_of_few(
    add_text, api, bob, django_assert_num_queries
):
    add_text("First", "first words")
    client = api(bob)
    client.get("/api/knowledge/index/")
    with CaptureQueriesContext(connection) as few:
        client.get("/api/knowledge/index/")
    own = active().configuration
    for _ in range(5):
        IndexBuild.objects.create(state="failed", model="x", configuration=own, error="x")
    with django_assert_num_queries(len(few)):
        client.get("/api/knowledge/index/")
