"""Other settings are another configuration: built beside what answers, and switched to at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.errors import Conflict
from knowledge import conf, health, index_store, indexing, tasks
from knowledge.indexing import configurations, full_builds, preparing, retention, runs, vectors
from knowledge.models import Chunk, DocumentVersion, Embedding, IndexBuild, IndexConfiguration
from knowledge.services import activate_build, add_version, request_rebuild
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import LEAVE
from tests.knowledge.releases import GATE, active, embedded, expire_leases, found, verdict

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

LONG = "# Rules\n\n" + "\n\n".join(
    f"Rule {n} says that item{n} is kept dry and clean, and that nobody moves it."
    for n in range(60)
)


@pytest.fixture(autouse=True)
def gate(settings):
    verdict.clear()
    verdict.update(verdict="passed", reason="")
    settings.INDEX_GATE = GATE
    yield
    verdict.clear()


def test_a_release_carries_a_readable_configuration(add_text, settings):
    add_text("Leave", LEAVE)
    own = active().configuration
    assert own.name == "bag-of-words, 220/30 tokens, 8 passages"
    assert (own.chunk_tokens, own.chunk_overlap_tokens, own.top_k) == (220, 30, 8)
    snapshot = index_store.current()
    assert snapshot.configuration == own
    facts = snapshot.index.manifest.extra
    assert facts["configuration"] == own.name
    assert (facts["model"], facts["metric"], facts["splitter"]) == (
        "bag-of-words@1", "cosine", own.splitter,
    )  # fmt: skip
    assert active().covers_until is not None


def test_the_same_settings_are_one_configuration_and_equal_names_get_a_number(settings):
    first = configurations.wanted()
    assert configurations.wanted() == first
    conf.set_embedder(BagOfWordsEmbedder("bag-of-words@2"))
    second = configurations.wanted()
    assert second.name == f"{first.name} (2)"
    assert IndexConfiguration.objects.count() == 2


def test_a_new_number_of_passages_is_a_release_without_a_full_build(add_text, settings):
    for n in range(4):
        add_text(f"T{n}", f"common words number{n}")
    full = active().base
    settings.TOP_K = 2
    assert indexing.is_build_due()
    assert indexing.build_index()
    assert (active().base, active().configuration.top_k) == (full, 2)
    assert index_store.current().configuration.top_k == 2
    assert not indexing.is_build_due()


def test_another_chunk_size_splits_the_stored_texts_again(add_text, settings, fake_embedder):
    document = add_text("Rules", LONG)
    old = active()
    before = list(Chunk.objects.values_list("pk", flat=True))
    settings.CHUNK_TOKENS, settings.CHUNK_OVERLAP_TOKENS = 60, 10
    assert indexing.build_index()
    assert active() != old
    assert active().configuration.chunk_tokens == 60
    assert active().vectors > old.vectors
    own = Chunk.objects.filter(splitter=active().configuration.splitter)
    assert own.count() == active().vectors
    assert document.versions.get().chunk_count == active().vectors
    # Both splittings stand side by side, as one may go back.
    assert Chunk.objects.filter(pk__in=before).count() == len(before)
    assert found("item42")[0] == "Rules"
    text = document.versions.get().text
    assert all(chunk.text == text[chunk.start : chunk.end] for chunk in own)
    activate_build(old)
    assert found("item42")[0] == "Rules"


def test_another_model_answers_only_when_all_of_it_is_there(add_text, monkeypatch):
    add_text("Leave", LEAVE)
    old = active()
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    write_full, seen = full_builds.write_full, []

    def look(run, *rest):
        write_full(run, *rest)
        seen.append((active() == old, found("annual leave"), run.build.progress["step"]))

    monkeypatch.setattr(full_builds, "write_full", look)
    assert indexing.build_index()
    assert seen == [(True, ["Leave"], runs.WRITING)]
    assert active().model == "other@1"
    assert Embedding.objects.filter(model="other@1").exists()


def test_embedding_again_goes_on_where_it_was_paused(add_text, settings, monkeypatch):
    """A turn of no time at all embeds one round; a hint comes back for the next."""
    monkeypatch.setattr(preparing, "_WAITING", 2)
    for n in range(5):
        add_text(f"T{n}", f"text about thing{n}")
    old = active()
    other = BagOfWordsEmbedder("other@1")
    conf.set_embedder(other)
    turns = 0
    while active() == old:
        indexing.build_index(0)
        turns += 1
        assert turns < 20
    assert turns > 2
    assert len(other.embedded) == 5  # each text once
    assert IndexBuild.objects.filter(state="building").count() == 0
    assert IndexBuild.objects.filter(model="other@1").count() == 1  # one row over all turns


def test_the_progress_of_a_build_can_be_seen(add_text, api, bob, monkeypatch):
    monkeypatch.setattr(preparing, "_WAITING", 1)
    for n in range(4):
        add_text(f"T{n}", f"text about thing{n}")
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    indexing.build_index(0)
    build = IndexBuild.objects.get(state="building")
    assert runs.percent_of(build) == 25
    (row, *_) = api(bob).get("/api/knowledge/index/").json()["results"]
    assert row["progress"]["step"] == runs.SPLITTING
    assert row["progress"]["percent"] == 25
    assert row["state"] == "building"
    later = timezone.now() + timedelta(seconds=30)
    build.progress["since"] = (later - timedelta(seconds=30)).isoformat()
    assert runs.seconds_left(build, later) == 90


def test_a_killed_run_goes_on_where_it_was(add_text, monkeypatch):
    monkeypatch.setattr(vectors, "BATCH", 1)
    for n in range(4):
        add_text(f"T{n}", f"text about thing{n}")

    class Dying(BagOfWordsEmbedder):
        def embed_passages(self, texts):
            if len(self.embedded) == 2:
                raise KeyboardInterrupt
            return super().embed_passages(texts)

    dying = Dying("other@1")
    conf.set_embedder(dying)
    with pytest.raises(KeyboardInterrupt):
        indexing.build_index()
    other = BagOfWordsEmbedder("other@1")
    conf.set_embedder(other)
    expire_leases()
    assert indexing.build_index()
    assert sorted(dying.embedded + other.embedded) == sorted(set(dying.embedded + other.embedded))
    assert active().model == "other@1"


def test_new_documents_are_searchable_while_texts_are_split_again(add_text, settings, monkeypatch):
    """The old release goes on with the old settings for them, and the new one has them too."""
    add_text("Rules", LONG)
    old = active()
    settings.CHUNK_TOKENS, settings.CHUNK_OVERLAP_TOKENS = 60, 10
    write_full, seen = full_builds.write_full, []

    def busy(*arguments):
        embedded("bicycle words", "Bicycles")
        assert indexing.build_index()
        seen.append((active().configuration, found("bicycle words")[0]))
        write_full(*arguments)

    monkeypatch.setattr(full_builds, "write_full", busy)
    assert indexing.build_index()
    assert seen == [(old.configuration, "Bicycles")]
    assert active().configuration.chunk_tokens == 60
    assert found("bicycle words")[0] == "Bicycles"


def test_of_a_model_that_is_gone_new_documents_come_with_the_new_release(add_text, monkeypatch):
    add_text("Leave", LEAVE)
    old = active()
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    write_full, seen = full_builds.write_full, []

    def busy(*arguments):
        embedded("bicycle words", "Bicycles")
        indexing.build_index()
        seen.append(active() == old)
        write_full(*arguments)

    monkeypatch.setattr(full_builds, "write_full", busy)
    assert indexing.build_index()
    assert seen == [True]
    assert found("bicycle words")[0] == "Bicycles"
    with pytest.raises(Conflict):
        activate_build(old)  # nobody could embed a question for it


def test_going_back_to_an_earlier_configuration_holds(add_text, settings):
    add_text("Rules", LONG)
    old = active()
    settings.CHUNK_TOKENS, settings.CHUNK_OVERLAP_TOKENS = 60, 10
    assert indexing.build_index()
    activate_build(old)
    assert not indexing.is_build_due()
    assert indexing.build_index() is False
    add_text("Parking", "bicycle words")
    assert active().configuration == old.configuration
    assert found("bicycle words")[0] == "Parking"
    # Until staff ask for a build with the settings as they are.
    request_rebuild()
    assert indexing.build_index()
    assert active().configuration.chunk_tokens == 60


def test_what_no_release_uses_any_more_is_removed_later(add_text, settings):
    settings.KEPT_BUILDS = 0
    add_text("Rules", LONG)
    old = active().configuration
    settings.CHUNK_TOKENS, settings.CHUNK_OVERLAP_TOKENS = 60, 10
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    assert retention.remove_unused_rows() == {"unused_chunks": 0, "unused_vectors": 0}
    assert indexing.build_index()
    removed = retention.remove_unused_rows()
    assert removed["unused_chunks"] > 0
    assert removed["unused_vectors"] > 0
    assert not Chunk.objects.filter(splitter=old.splitter).exists()
    assert not Embedding.objects.exclude(model="other@1").exists()
    assert found("item42")[0] == "Rules"


def test_a_version_that_is_deleted_while_it_is_split_again_is_left_out(add_text, settings):
    keep, gone = add_text("Keep", LONG), add_text("Gone", LONG.replace("item", "thing"))

    class Deleting(BagOfWordsEmbedder):
        def count_tokens(self, text):
            gone.versions.model.objects.filter(document=gone).delete()
            return super().count_tokens(text)

    conf.set_embedder(Deleting("other@1"))
    assert indexing.build_index()
    assert set(index_store.current().index.versions()) == {keep.pk}


def test_an_index_from_before_configurations_is_built_again(add_text):
    add_text("Leave", LEAVE)
    Chunk.objects.update(splitter="")
    IndexBuild.objects.update(configuration=None)
    index_store.forget()
    assert index_store.current().configuration.top_k == 8
    assert indexing.is_build_due()
    assert indexing.build_index()
    assert active().configuration is not None
    assert found("annual leave") == ["Leave"]
    assert health.index()[0] == "ok"


def test_the_task_gives_others_a_turn(add_text, monkeypatch):
    seen = []
    monkeypatch.setattr(tasks.indexing, "build_index", seen.append)
    tasks.build_index()
    assert seen == [300.0]


def test_old_versions_need_no_chunks_of_the_new_splitting(add_text, settings, work):
    document = add_text("Rules", LONG)
    add_version(document, LONG.replace("item", "thing"))
    work()
    settings.CHUNK_TOKENS, settings.CHUNK_OVERLAP_TOKENS = 60, 10
    assert indexing.build_index()
    splitter = active().configuration.splitter
    split = set(Chunk.objects.filter(splitter=splitter).values_list("version_id", flat=True))
    assert split == {DocumentVersion.objects.get(number=2).pk}
