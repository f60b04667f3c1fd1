"""A worker that is killed between any two steps of a build: what answered answers, and no more is
lost than time.
"""

import importlib
from contextlib import suppress

import pytest

from knowledge import conf, index_store, indexing
from knowledge.indexing import drift, due
from knowledge.models import IndexBuild
from knowledge.search import search
from knowledge.services import add_version, delete_document
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.releases import (
    GATE,
    active,
    chunks_of,
    embedded,
    folders,
    found,
    holding,
    on_disk,
    settle,
    verdict,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

# Each step of an extension and of a full build, in their order.
EXTENSION = (
    "knowledge.indexing.retention.clear_interrupted_builds",
    "knowledge.indexing.rows.changed_since",
    "knowledge.indexing.extending.new_build",
    "knowledge.indexing.preparing.prepare",
    "knowledge.indexing.extending.write_extension",
    "knowledge.indexing.writing._note",
    "knowledge.engines.mark_verified",
    "knowledge.indexing.publishing._move",
    "knowledge.indexing.publishing.point_at",
    "knowledge.indexing.extending.publish",
    "knowledge.indexing.retention.drop_old_builds",
)
FULL = (
    "knowledge.indexing.rows.choose",
    "knowledge.indexing.full_builds.new_build",
    "knowledge.indexing.preparing.prepare",
    "knowledge.indexing.full_builds.write_full",
    "knowledge.indexing.writing._note",
    "knowledge.engines.mark_verified",
    "knowledge.indexing.gate.judge",
    "knowledge.indexing.full_builds.claim_build",
    "knowledge.indexing.publishing._move",
    "knowledge.indexing.publishing.point_at",
    "knowledge.indexing.full_builds.publish",
    "knowledge.indexing.retention.drop_old_builds",
    "knowledge.engines.remove_build",
)
ANEW = (*FULL[:3], "knowledge.indexing.preparing._store", "knowledge.indexing.vectors.fill")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def kill(monkeypatch, settings):
    """``kill(step)``: do all that waits, and be killed there; whether it came to that."""
    settings.INDEX_GATE = GATE
    verdict.clear()
    verdict.update(verdict="passed", reason="")
    monkeypatch.setattr(due, "SMALL_CHUNKS", 0)

    def run(step):
        module, _, name = step.rpartition(".")
        original = getattr(importlib.import_module(module), name)
        seen = []

        def door(*arguments, **named):
            original(*arguments, **named)
            seen.append(step)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(step, door)
            # Who is killed tidies nothing up, and gives nothing back.
            patch.setattr("knowledge.indexing.retention.remove_unpublished", lambda build: None)
            patch.setattr("knowledge.indexing.full_builds.release", lambda lease: None)
            with suppress(Killed):
                indexing.build_index()
        return bool(seen)

    yield run
    verdict.clear()


def is_whole():
    """One release answers, and it is one of the whole ones."""
    index_store.forget()
    assert IndexBuild.objects.filter(state="active").count() == 1
    assert index_store.current().build_id == active().pk
    assert drift.measure().is_zero


def is_settled():
    settle()
    index_store.forget()
    assert drift.measure().is_zero
    assert drift.measure().waiting == 0
    assert folders() == on_disk()
    assert not IndexBuild.objects.filter(state="building").exists()


@pytest.mark.parametrize("step", EXTENSION)
def test_in_an_extension(add_text, kill, step):
    document = add_text("Leave", "oldneedle stands here")
    indexing.process_version(add_version(document, "newneedle stands there").pk)
    embedded("bicycles in the yard", "Parking")
    assert kill(step)
    is_whole()
    document.refresh_from_db()
    words = "oldneedle" if document.active_version.number == 1 else "newneedle"
    assert search(words, user=None).passages[0].text.startswith(words)
    is_settled()
    assert found("newneedle")[0] == "Leave"
    assert found("bicycles")[0] == "Parking"


@pytest.mark.parametrize("step", FULL)
def test_in_a_full_build_after_a_delete(add_text, kill, step):
    gone, kept = add_text("Gone", "needleone stands here"), add_text("Kept", "bicycles in the yard")
    chunks = chunks_of(gone)
    delete_document(gone)
    assert kill(step)
    is_whole()
    assert "Gone" not in found("needleone stands here")
    assert found("bicycles")[0] == kept.title
    is_settled()
    assert holding(chunks) == []


@pytest.mark.parametrize("step", ANEW)
def test_while_another_model_embeds_again(add_text, kill, step):
    for n in range(3):
        add_text(f"T{n}", f"text about thing{n}")
    old = active()
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    assert kill(step)
    assert active() == old
    is_whole()
    is_settled()
    assert active().model == "other@1"
    assert active().vectors == 3


@pytest.mark.parametrize("step", FULL[:-1])
def test_in_the_first_build(queued, kill, step):
    embedded("bicycles in the yard", "Parking")
    assert kill(step)
    is_settled()
    assert found("bicycles") == ["Parking"]
