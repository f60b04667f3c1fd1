"""Each process serves one complete build, whatever happens to the files."""

import threading
from pathlib import Path

import pytest
from django.db import connections

from knowledge import health, index_store, indexing
from knowledge.models import IndexBuild, IndexState
from knowledge.retrieval.types import IndexUnusable
from knowledge.search import search
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def active():
    return IndexBuild.objects.get(state="active")


def damage(build):
    """Flip one byte in the middle of the vectors that are its own: an extension links the rest."""
    folder = index_store.folder_of(build)
    own = folder / "recent.f32"
    path = own if own.exists() else folder / "base.f32"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.chmod(0o600)
    path.write_bytes(data)


def titles(query):
    return [p.title for p in search(query, user=None).passages]


def test_without_a_build_there_is_no_snapshot_and_health_is_good(db):
    assert index_store.current() is None
    assert health.index()[0] == "ok"


def test_a_new_build_is_picked_up_without_a_restart(add_text):
    add_text("Leave", LEAVE)
    first = index_store.current()
    add_text("Parking", "Bicycles stand in the yard.")
    second = index_store.current()
    assert second.build_id == active().pk > first.build_id
    assert titles("bicycles yard")[0] == "Parking"


def test_where_nothing_changed_one_query_is_asked(add_text, django_assert_num_queries):
    add_text("Leave", LEAVE)
    snapshot = index_store.current()
    with django_assert_num_queries(1):
        assert index_store.current() is snapshot


def test_checksums_are_compared_once_per_build(add_text, settings):
    add_text("Leave", LEAVE)
    markers = list(Path(settings.INDEX_DIR).glob(".verified-*"))
    assert len(markers) == 1
    stamp = markers[0].stat().st_mtime_ns
    index_store.forget()
    assert index_store.current() is not None
    assert markers[0].stat().st_mtime_ns == stamp


def test_a_damaged_active_build_gives_way_to_the_newest_kept_one(add_text, settings):
    add_text("Leave", LEAVE)
    good = active()
    add_text("Parking", "Bicycles stand in the yard.")
    bad = active()
    wanted = IndexState.objects.get().wanted
    damage(bad)
    index_store.forget()

    assert titles("annual leave") == ["Leave"]
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == ("failed", "active")
    assert "Damaged" in bad.error
    assert IndexState.objects.get().wanted == wanted + 1
    assert any(p.name.startswith("quarantine-") for p in Path(settings.INDEX_DIR).iterdir())

    assert indexing.build_index()  # out of the rows
    assert titles("bicycles yard")[0] == "Parking"


def test_a_missing_folder_gives_way_too(add_text):
    add_text("Leave", LEAVE)
    add_text("Parking", "Bicycles stand in the yard.")
    bad = active()
    folder = index_store.folder_of(bad)
    folder.rename(folder.with_name("taken-away"))
    index_store.forget()
    assert titles("annual leave") == ["Leave"]
    assert active() != bad


def test_with_nothing_to_fall_back_on_the_search_is_empty_until_the_rebuild(add_text):
    add_text("Leave", LEAVE)
    damage(active())
    index_store.forget()
    assert titles("annual leave") == []
    assert indexing.is_build_due()
    assert indexing.build_index()
    assert titles("annual leave") == ["Leave"]


@pytest.mark.parametrize("error", [MemoryError(), IndexUnusable("cannot be mapped")])
def test_a_build_that_only_this_process_cannot_load_leaves_the_old_one_serving(
    add_text, monkeypatch, error
):
    add_text("Leave", LEAVE)
    old = index_store.current()
    add_text("Parking", "Bicycles stand in the yard.")
    new = active()

    def fail(build):
        raise error

    monkeypatch.setattr(index_store, "open_build", fail)
    assert index_store.current() is old
    assert titles("annual leave") == ["Leave"]
    state, facts = health.index()
    assert state == "degraded"
    assert facts["loaded"] == old.build_id
    new.refresh_from_db()
    assert new.state == "active"


def test_a_build_that_cannot_be_loaded_and_no_old_one_is_a_failure(add_text, monkeypatch):
    add_text("Leave", LEAVE)
    index_store.forget()

    def fail(build):
        raise MemoryError

    monkeypatch.setattr(index_store, "open_build", fail)
    assert index_store.current() is None
    assert health.index()[0] == "failed"


@pytest.mark.django_db(transaction=True)
def test_many_threads_that_find_the_damage_put_it_aside_once(add_text):
    add_text("Leave", LEAVE)
    add_text("Parking", "Bicycles stand in the yard.")
    wanted = IndexState.objects.get().wanted
    damage(active())
    index_store.forget()
    seen = []

    def look():
        try:
            seen.append(titles("annual leave"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["Leave"]] * 6
    assert IndexState.objects.get().wanted == wanted + 1


@pytest.mark.django_db(transaction=True)
def test_while_one_thread_loads_a_build_the_others_answer_from_the_old_one(add_text, monkeypatch):
    add_text("Leave", LEAVE)
    old = index_store.current()
    add_text("Parking", "Bicycles stand in the yard.")
    open_build, seen = index_store.open_build, []

    def look():
        try:
            seen.append((index_store.current(), health.index()[0]))
        finally:
            connections.close_all()

    def slowly(build):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join(10)
        return open_build(build)

    monkeypatch.setattr(index_store, "open_build", slowly)
    assert index_store.current().build_id == active().pk
    assert seen == [(old, "ok")]
