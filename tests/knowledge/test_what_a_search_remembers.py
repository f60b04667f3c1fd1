"""Masks of audiences are remembered, and never for longer than they are true."""

import threading
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.statements import Statement
from knowledge import index_store
from knowledge.models import Document, IndexBuild
from knowledge.passages import Filters
from knowledge.search import Audience, masks, search, search_in
from knowledge.services import set_active, set_groups
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

TOMORROW = timedelta(days=1)


def titles(user=None, **options):
    return {p.title for p in search("annual leave", user=user, **options).passages}


def as_audience(audience):
    found = search_in(index_store.current(), "annual leave", audience=audience)
    return {p.title for p in found.passages}


def change(document, **fields):
    """Fields as a service would change them."""
    with transaction.atomic():
        index_store.audience_changed()
        Document.objects.filter(pk=document.pk).update(**fields)


@pytest.fixture
def three(add_text, alice):
    """For everyone, for alice's group, for another group."""
    alice.groups.add(Group.objects.create(name="hr"))
    return (
        add_text("Everyone's", LEAVE + " All."),
        add_text("Of hr", LEAVE + " Of hr.", groups=("hr",)),
        add_text("Of it", LEAVE + " Of it.", groups=("it",)),
    )


def test_each_kind_of_asker_has_its_own(three, alice, charlie, visitor):
    for _ in range(2):
        assert titles(alice) == {"Everyone's", "Of hr"}
        for other in (charlie, visitor, AnonymousUser(), None):
            assert titles(other) == {"Everyone's"}


def test_members_of_the_same_groups_share_one(three, alice, bob, monkeypatch):
    bob.groups.set(alice.groups.all())
    asked = []
    index = index_store.current().index
    monkeypatch.setattr(
        index, "allow", lambda ids, allow=index.allow: asked.append(1) or allow(ids)
    )
    assert titles(alice) == titles(bob) == {"Everyone's", "Of hr"}
    assert titles(alice) == titles(bob) == {"Everyone's", "Of hr"}
    assert len(asked) == 1


def test_a_membership_counts_from_the_next_search_on(three, alice):
    titles(alice)
    alice.groups.add(Group.objects.get(name="it"))
    assert titles(alice) == {"Everyone's", "Of hr", "Of it"}
    alice.groups.clear()
    assert titles(alice) == {"Everyone's"}
    alice.is_active = False
    alice.groups.add(Group.objects.get(name="it"))
    assert titles(alice) == {"Everyone's"}


def test_changes_of_an_audience_count_from_the_next_search_on(three, alice, charlie):
    everyones, of_hr, of_it = three
    titles(alice), titles(charlie)
    set_groups(of_hr, ["it"])
    assert titles(alice) == titles(charlie) == {"Everyone's"}
    set_groups(of_it, [])
    assert titles(alice) == titles(charlie) == {"Everyone's", "Of it"}
    set_active(everyones, False)
    assert titles(charlie) == {"Of it"}
    set_active(everyones, True)
    assert titles(charlie) == {"Everyone's", "Of it"}


def test_a_group_that_is_deleted_opens_nothing(three, alice, charlie):
    titles(alice), titles(charlie)
    Group.objects.filter(name="hr").delete()
    assert titles(alice) == titles(charlie) == {"Everyone's"}


def test_a_document_answers_in_its_days_alone(three, charlie):
    everyones, _, _ = three
    today = timezone.localdate()
    for fields, answers in (
        ({"effective_from": today}, True),
        ({"effective_from": today + TOMORROW}, False),
        ({"effective_from": None, "expires_on": today}, True),
        ({"expires_on": today - TOMORROW}, False),
        ({"expires_on": None}, True),
    ):
        change(everyones, **fields)
        assert titles(charlie) == ({"Everyone's"} if answers else set()), fields


def test_a_day_that_ends_ends_what_was_remembered(three, charlie, monkeypatch):
    change(three[0], expires_on=timezone.localdate())
    assert titles(charlie) == {"Everyone's"}
    tomorrow = timezone.localdate() + TOMORROW
    monkeypatch.setattr(timezone, "localdate", lambda: tomorrow)
    assert titles(charlie) == set()


def test_a_successor_answers_in_place_of_what_it_supersedes(three, charlie, add_text):
    old, _, _ = three
    new = add_text("New", LEAVE + " New.")
    change(old, superseded_by=new)
    assert titles(charlie) == {"New"}
    change(new, is_active=False)
    assert titles(charlie) == {"Everyone's"}


def test_filters_have_masks_of_their_own(three, charlie, add_text):
    add_text("Policy", LEAVE + " Policy.", document_type="policy", source="handbook")
    for _ in range(2):
        assert titles(charlie) == {"Everyone's", "Policy"}
        assert titles(charlie, filters=Filters(document_type="policy")) == {"Policy"}
        assert titles(charlie, filters=Filters(source="handbook")) == {"Policy"}
        assert titles(charlie, filters=Filters(source="other")) == set()
        assert titles(charlie, filters=Filters("policy", "handbook")) == {"Policy"}
        numbers = tuple(document.pk for document in three)
        assert titles(charlie, filters=Filters(document_ids=numbers)) == {"Everyone's"}


def test_a_source_with_the_mark_of_a_statement_finds_nothing(three):
    assert titles(filters=Filters(source="\ue000 source' OR 1=1 --")) == set()


def test_many_sources_push_out_one_another_and_not_the_memory(three):
    for number in range(masks._MOST + 10):
        assert titles(filters=Filters(source=f"s{number}")) == set()
    kept = masks._masks_of(index_store.current())._kept
    assert len(kept) <= masks._MOST
    assert titles() == {"Everyone's"}


def test_two_that_ask_at_once_share_the_work():
    made = []
    holder = masks._Masks(4)
    key = masks.Key(frozenset(), Filters(), date(2026, 1, 1), 1, True)
    together = threading.Barrier(4)

    def make():
        made.append(1)
        return masks.Visible(None, 0)

    def ask():
        together.wait()
        holder.get(key, make)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_staff_may_ask_as_others_and_see_what_these_see(three, alice):
    assert as_audience(Audience.of(alice)) == {"Everyone's", "Of hr"}
    assert as_audience(Audience.visitor()) == {"Everyone's"}
    assert as_audience(Audience.members("it")) == {"Everyone's", "Of it"}
    assert as_audience(Audience.members("it", "hr")) == {"Everyone's", "Of hr", "Of it"}
    assert as_audience(Audience.members("no such group")) == {"Everyone's"}
    assert as_audience(Audience.everyone()) == {"Everyone's", "Of hr", "Of it"}
    set_active(three[2], False)
    assert as_audience(Audience.everyone()) == {"Everyone's", "Of hr"}


def test_a_release_that_never_answered_is_asked_for_what_it_alone_knows(three):
    new, _, _ = three
    candidate = index_store.current()
    Document.objects.update(active_version=None)
    new.versions.update(state="embedded")
    IndexBuild.objects.update(state="kept")
    assert search("annual leave", user=None).passages == ()
    found = search_in(candidate, "annual leave", audience=Audience.visitor())
    assert [p.title for p in found.passages] == ["Everyone's"]


def test_a_statement_needs_all_its_marks():
    documents = Document.objects.filter(pk=2**62).values_list("pk")
    compiled = Statement(documents, {"pk": 2**62})
    assert compiled.rows(pk=1) == []
    with pytest.raises(ValueError, match="0 values"):
        compiled.rows(pk=[])
    with pytest.raises(ValueError, match="title"):
        Statement(documents, {"title": "a mark"})


def test_a_statement_fills_lists_and_converts_values(three):
    marks = [2**62, 2**62 + 1, 2**62 + 2]
    rows = Document.objects.filter(pk__in=marks).order_by("pk").values_list("pk", "uploaded_at")
    compiled = Statement(rows, {"pks": marks})
    first, second, _ = three
    assert compiled.rows(pks=[first.pk]) == [(first.pk, first.uploaded_at)]
    assert [pk for pk, _ in compiled.rows(pks=[second.pk, first.pk])] == [first.pk, second.pk]
    with pytest.raises(ValueError, match="4 values for 3 places"):
        compiled.rows(pks=[1, 2, 3, 4])


def test_the_rows_are_found_by_their_keys_and_by_nothing_else(three, alice, on_postgresql):
    """SQLite has no statistics: what looks selective to it may be all there is."""
    if on_postgresql:
        return  # it has statistics, which say nothing about three documents
    with CaptureQueriesContext(connection) as context:
        search("annual leave", user=alice, filters=Filters(source=""))
    (rows,) = [query["sql"] for query in context if "knowledge_chunk" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + rows.replace("%", "%%"))
        plan = [step[-1] for step in cursor.fetchall()]
    assert plan[0].startswith("SEARCH knowledge_chunk USING INDEX sqlite_autoindex")
    assert not [step for step in plan if "SCAN" in step or "version_queue" in step]
