"""Search: who asks sees what is theirs, from the moment of the change."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group

from knowledge import conf, indexing
from knowledge.models import Document, IndexBuild
from knowledge.passages import Filters
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.search import embed, nearest, search, shelf, warm_up
from knowledge.services import delete_document, set_active, set_groups
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def titles(query, user=None, **options):
    return [p.title for p in search(query, user=user, **options).passages]


def test_the_best_passage_comes_first_and_is_the_stored_text(add_text):
    add_text("Parking", "Bicycles stand in the yard behind the house.")
    document = add_text("Leave", LEAVE)
    result = search("how many days of annual leave are carried over", user=None)
    best = result.passages[0]
    version = document.versions.get()
    assert best.title == "Leave"
    assert best.text == version.text[best.start : best.end]
    assert best.document_version == 1
    assert 0 <= best.score <= 1
    assert best.scores.fused is not None
    assert result.searched == 2
    assert result.build_id == IndexBuild.objects.get(state="active").pk
    assert result.degraded == ()


def test_without_documents_nothing_is_found(db):
    result = search("anything", user=None)
    assert (result.passages, result.answerable, result.searched) == ((), 0.0, 0)
    assert result.build_id is None


@pytest.mark.parametrize("query", ["", "  ", "???", '"unclosed (', "AND OR NOT *", "a" * 5000])
def test_no_query_breaks_it(add_text, query):
    add_text("Leave", LEAVE)
    assert search(query, user=None).searched == 1


def test_a_deleted_document_is_gone_at_once(add_text):
    add_text("Other", "quite other words")
    document = add_text("Secret", "needleone is here")
    assert titles("needleone")[0] == "Secret"
    delete_document(document)
    assert "Secret" not in titles("needleone is here")


def test_a_document_switched_off_is_gone_at_once_and_back_at_once(add_text):
    document = add_text("Leave", LEAVE)
    set_active(document, False)
    assert titles("annual leave") == []
    set_active(document, True)
    assert titles("annual leave") == ["Leave"]


def test_a_restricted_document_is_gone_at_once_for_the_others(add_text, alice, bob, charlie):
    group = Group.objects.create(name="hr")
    alice.groups.add(group)
    document = add_text("Salaries", "needletwo bands of salary")
    set_groups(document, ["hr"])
    assert titles("needletwo", alice) == ["Salaries"]
    for other in (bob, charlie, AnonymousUser(), None):
        assert titles("needletwo", other) == []
    alice.groups.remove(group)
    assert titles("needletwo", alice) == []


def test_the_final_look_at_the_rows_masks_what_the_first_one_let_through(add_text):
    """The rows change without a word to the index: what searches remember is too wide now."""
    document = add_text("Leave", LEAVE)
    other = add_text("Other leave", "Annual leave of another kind.")
    assert len(titles("annual leave")) == 2
    Document.objects.filter(pk=document.pk).delete()
    assert titles("annual leave") == ["Other leave"]
    Document.objects.filter(pk=other.pk).update(is_active=False)
    result = search("annual leave", user=None)
    assert (result.passages, result.answerable, result.searched) == ((), 0.0, 0)


def test_filters_narrow_and_never_widen(add_text, charlie):
    add_text("Leave", LEAVE, document_type="policy", source="handbook")
    hidden = add_text("Leave of others", LEAVE, groups=("hr",), document_type="policy")
    ask = "annual leave"
    assert titles(ask, filters=Filters(document_type="policy")) == ["Leave"]
    assert titles(ask, filters=Filters(document_type="faq")) == []
    assert titles(ask, filters=Filters(source="handbook")) == ["Leave"]
    assert titles(ask, charlie, filters=Filters(document_ids=(hidden.pk,))) == []
    assert titles(ask, filters=Filters(document_ids=(10**30, -1))) == []


def test_the_limit_holds(add_text):
    for n in range(6):
        add_text(f"T{n}", f"common words and number{n}")
    assert len(titles("common words", limit=3)) == 3
    assert len(titles("common words", limit=500)) == 6


def test_the_number_of_queries_does_not_grow(
    add_text, queued, work, alice, django_assert_num_queries
):
    """The active build, the asker's groups, the rows found; once more after a change: who sees."""
    alice.groups.add(Group.objects.create(name="hr"))
    add_text("First", "common words")
    search("warm", user=None)
    with django_assert_num_queries(2):
        search("common words", user=None)
    for n in range(30):
        queued(f"common words and number{n}", f"T{n}")
    work()
    search("warm", user=None)
    with django_assert_num_queries(2):
        assert len(search("common words", user=None, limit=50).passages) == 31
    search("warm", user=alice)
    with django_assert_num_queries(3):
        assert len(search("common words", user=alice, limit=50).passages) == 31
    set_active(Document.objects.get(title="T0"), False)
    with django_assert_num_queries(4):
        assert len(search("common words", user=alice, limit=50).passages) == 30
    with django_assert_num_queries(3):
        assert len(search("common words", user=alice, limit=50).passages) == 30


def test_without_the_embedder_words_alone_answer(add_text):
    add_text("Leave", LEAVE)

    class Absent(BagOfWordsEmbedder):
        def embed_queries(self, texts):
            raise EmbedderUnavailable("gone")

    conf.set_embedder(Absent())
    result = search("annual leave without a model", user=None)
    assert [p.title for p in result.passages] == ["Leave"]
    assert result.degraded == ("dense",)
    assert result.passages[0].scores.dense is None
    warm_up()  # says so in the log, and starts


def test_a_build_is_never_asked_with_another_model(add_text):
    add_text("Leave", LEAVE)
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    assert search("annual leave once more", user=None).degraded == ("dense",)


def test_a_question_asked_again_is_not_embedded_again(add_text):
    add_text("Leave", LEAVE)

    class Counting(BagOfWordsEmbedder):
        asked = 0

        def embed_queries(self, texts):
            self.asked += 1
            return super().embed_queries(texts)

    embedder = Counting("bag-of-words@1")
    conf.set_embedder(embedder)
    for _ in range(3):
        search("a question of its own kind", user=None)
    assert embedder.asked == 1


def test_the_nearest_documents_say_what_they_lack(add_text):
    add_text("Car policy", "You may lease a car after one year.")
    query = "may I lease a bicycle"
    (near,) = nearest(search(query, user=None), query)
    assert near.title == "Car policy"
    assert near.why == "Mentions “lease”, but not “bicycle”."
    assert near.url.startswith("/sources/")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("Please tell me how many BICYCLES I may lease", "Mentions “lease”, but not “BICYCLES”."),
        ("What does E-4712 mean for a lease?", "Mentions “lease”, but not “E-4712”, “mean”."),
        ("Is E-4711 about a car-lease?", "Mentions “E-4711”, “car-lease”, but says nothing"),
    ],
)
def test_what_is_lacking_is_named_as_it_was_asked(add_text, query, why):
    add_text("Car policy", "You may lease a car after one year. E-4711 is its form.")
    (near,) = nearest(search(query, user=None), query)
    assert near.why.startswith(why)


def test_the_shelf_counts_what_the_asker_may_read(add_text, alice):
    alice.groups.add(Group.objects.create(name="hr"))
    add_text("Leave", LEAVE, document_type="policy")
    add_text("Questions", "words", document_type="faq")
    add_text("Salaries", "bands", groups=("hr",), document_type="policy")
    everyone, mine = shelf(None), shelf(alice)
    assert (everyone.documents, everyone.newest_title) == (2, "Questions")
    assert everyone.kinds == (("FAQ", 1), ("Policy", 1))
    assert (mine.documents, mine.newest_title) == (3, "Salaries")
    assert mine.kinds == (("Policy", 2), ("FAQ", 1))
    assert everyone.as_of


def test_an_empty_shelf_is_empty(db):
    assert shelf(None).documents == 0


def test_embedding_gives_one_unit_vector_a_text(db):
    vectors = embed(["one", "two words"])
    assert vectors.shape == (2, 512)
    assert all(abs((v**2).sum() - 1) < 1e-5 for v in vectors)


def test_an_index_of_other_times_never_shows_more_than_the_rows(add_text):
    """Chunks of a version that is processed anew are not shown half."""
    document = add_text("Leave", LEAVE)
    document.versions.update(state="queued")
    assert titles("annual leave") == []
    indexing.process_version(document.versions.get().pk)
