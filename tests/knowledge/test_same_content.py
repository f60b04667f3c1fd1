"""The same bytes in two documents: stored, read, embedded once; seen by each one's own readers."""

from io import BytesIO

import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage

from knowledge import indexing
from knowledge.indexing import reading
from knowledge.models import Chunk, DocumentVersion, Embedding
from knowledge.search import search
from knowledge.services import NewDocument, NewFile, add_document, add_version, delete_document
from tests.knowledge.conftest import LEAVE, newest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture
def read(monkeypatch):
    """The numbers of versions whose file was really read."""
    seen = []
    plain = reading.extract
    monkeypatch.setattr(
        reading, "extract", lambda *given: seen.append(given[0].pk) or plain(*given)
    )
    return seen


def stored():
    return default_storage.listdir("documents")[1]


def test_it_is_stored_read_and_embedded_once(add_text, read, fake_embedder):
    first = add_text("Leave", LEAVE)
    embedded = len(fake_embedder.embedded)
    second = add_text("Leave", LEAVE)
    assert len(stored()) == 1
    assert first.versions.get().file == second.versions.get().file
    assert read == [first.versions.get().pk]
    assert len(fake_embedder.embedded) == embedded
    twins = [list(d.versions.get().chunks.order_by("ordinal")) for d in (first, second)]
    assert [c.content_hash for c in twins[0]] == [c.content_hash for c in twins[1]]
    assert [(c.start, c.end, c.text) for c in twins[0]] == [
        (c.start, c.end, c.text) for c in twins[1]
    ]
    assert {c.pk for c in twins[0]}.isdisjoint(c.pk for c in twins[1])
    assert second.versions.get().text == first.versions.get().text


def test_each_keeps_its_own_audience(add_text, alice, charlie):
    Group.objects.create(name="hr").user_set.add(alice)
    restricted = add_text("Leave", LEAVE, groups=("hr",))
    assert search("annual leave", user=charlie).passages == ()
    public = add_text("Leave", LEAVE)
    assert {p.document_id for p in search("annual leave", user=charlie).passages} == {public.pk}
    seen = {p.document_id for p in search("annual leave", user=alice).passages}
    assert seen <= {public.pk, restricted.pk}
    assert seen
    delete_document(public)
    assert search("annual leave", user=charlie).passages == ()
    assert {p.document_id for p in search("annual leave", user=alice).passages} == {restricted.pk}


def test_a_restricted_title_colours_no_other_document(add_text, fake_embedder):
    """A title is embedded with its chunks; a reader must not find by words that are not theirs."""
    secret = add_text("Takeover of Globex", LEAVE, groups=("board",))
    plain = add_text("Leave", LEAVE)
    hashes = [set(d.versions.get().chunks.values_list("content_hash", flat=True))
              for d in (secret, plain)]  # fmt: skip
    assert hashes[0].isdisjoint(hashes[1])
    assert "Globex" not in "".join(fake_embedder.embedded[-len(hashes[1]) :])


def test_a_public_title_may_be_shared_and_costs_nothing(add_text, fake_embedder):
    add_text("Leave", LEAVE)
    before = len(fake_embedder.embedded)
    add_text("Holidays", LEAVE)
    assert len(fake_embedder.embedded) == before


def test_the_file_stays_as_long_as_one_document_needs_it(add_text, api, bob):
    first, second = add_text("Leave", LEAVE), add_text("Leave", LEAVE)
    delete_document(first)
    assert len(stored()) == 1
    assert Embedding.objects.count() == Chunk.objects.filter(version__document=second).count()
    assert search("annual leave", user=None).passages[0].document_id == second.pk
    delete_document(second)
    assert stored() == []
    assert not Embedding.objects.exists()


def test_bytes_of_another_type_share_the_file_and_are_read_in_their_own_way(queued, read):
    text = "# Leave\n\nFive days."
    first = queued(text, "Leave")
    with default_storage.open(newest(first).file) as stream:
        data = stream.read()
    from_file = NewDocument(file=NewFile(BytesIO(data), "leave.txt"))
    second = add_document(from_file, owner=None)
    assert newest(second).file == newest(first).file
    for document in (first, second):
        indexing.process_version(newest(document).pk)
    assert len(read) == 2
    assert newest(second).outline == []
    assert newest(first).outline != []


def test_a_twin_whose_file_was_lost_is_not_shared(queued):
    first = queued(LEAVE, "Leave")
    default_storage.delete(newest(first).file)
    second = queued(LEAVE, "Leave")
    assert newest(second).file != newest(first).file
    assert default_storage.exists(newest(second).file)


def test_a_new_version_shares_too_and_leaves_no_bytes_behind(queued):
    queued(LEAVE, "Leave")
    other = queued("other words", "Other")
    add_version(other, LEAVE)
    assert len(stored()) == 2
    assert set(stored()) == {
        name.partition("/")[2] for name in DocumentVersion.objects.values_list("file", flat=True)
    }


def test_a_twin_that_could_not_be_read_is_not_copied(queued, read):
    first = queued(LEAVE, "Leave")
    first.versions.update(state="failed")
    second = queued(LEAVE, "Leave")
    assert indexing.process_version(newest(second).pk)
    assert read == [newest(second).pk]


def test_a_copy_that_broke_off_is_made_again_whole(queued, work, monkeypatch):
    long = "\n\n".join(f"## Part {n}\n\nRule {n} of topic{n} stands here." for n in range(60))
    queued(long, "Rules")
    work()
    second = queued(long, "Rules")
    version = newest(second)
    plain = Chunk.objects.bulk_create

    def break_off(rows, *given, **named):
        plain(rows[:7], *given, **named)
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(type(Chunk.objects), "bulk_create", lambda _, *g, **n: break_off(*g, **n))
        assert indexing.process_version(version.pk) is False
    DocumentVersion.objects.filter(pk=version.pk).update(due_at=version.created_at)
    assert indexing.process_version(version.pk)
    ordinals = list(version.chunks.order_by("ordinal").values_list("ordinal", flat=True))
    assert ordinals == list(range(60))
