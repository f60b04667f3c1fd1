"""Going back to a kept build: it answers again, and resurrects nothing."""

import pytest

from core.errors import Conflict
from knowledge import conf, index_store, indexing
from knowledge.models import IndexBuild
from knowledge.search import search
from knowledge.services import (
    DocumentChanges,
    activate_build,
    add_version,
    delete_document,
    update_document,
)
from tests.fakes import BagOfWordsEmbedder

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def active():
    return IndexBuild.objects.get(state="active")


def found(query, user=None):
    return [p.title for p in search(query, user=user).passages]


def test_going_back_answers_from_the_old_version(add_text, work):
    document = add_text("Leave", "# Leave\n\nFive days of oldneedle.")
    old = active()
    add_version(document, "# Leave\n\nSix days of newneedle.")
    work()
    assert [p.document_version for p in search("newneedle", user=None).passages] == [2]
    activate_build(old)
    assert active() == old
    document.refresh_from_db()
    assert document.active_version.number == 1
    passages = search("oldneedle", user=None).passages
    assert [p.document_version for p in passages] == [1]


def test_going_back_does_not_resurrect(add_text):
    hidden, gone = add_text("Hidden", "needleone here"), add_text("Gone", "needletwo here")
    add_text("Third", "something else")
    older = IndexBuild.objects.filter(state="kept").order_by("-pk")[0]
    delete_document(gone)
    update_document(hidden, DocumentChanges(is_active=False))
    activate_build(older)
    assert found("needleone here") == []
    assert found("needletwo here") == []


def test_only_a_kept_build_that_loads_can_be_activated(add_text):
    add_text("A", "text one")
    add_text("B", "text two")
    add_text("C", "text three")
    fine, damaged = IndexBuild.objects.filter(state="kept").order_by("pk")
    (index_store.folder_of(damaged) / "recent.f32").write_bytes(b"junk")
    with pytest.raises(Conflict):
        activate_build(damaged)
    activate_build(fine)
    assert active() == fine
    assert activate_build(fine).state == "active"
    failed = IndexBuild.objects.create(state="failed", model="x")
    with pytest.raises(Conflict):
        activate_build(failed)


def test_a_build_of_another_model_is_not_activated(add_text, queued):
    add_text("A", "text one")
    old = active()
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    assert indexing.build_index()
    with pytest.raises(Conflict):
        activate_build(old)
