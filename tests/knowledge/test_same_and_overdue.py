"""One text in several documents is shown once; what is due for review says so."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from knowledge import index_store
from knowledge.models import Document
from knowledge.passages import Span
from knowledge.search import read_spans, search, shelf
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

SEARCH = "/api/knowledge/search/"


def test_one_text_in_many_documents_is_shown_once_and_names_the_others(add_text):
    copies = [add_text(f"Copy {n}", LEAVE).pk for n in range(3)]
    add_text("Other", "Annual leave is asked for in writing.")
    found = search("annual leave", user=None).passages
    copy, other = sorted(found, key=lambda passage: passage.title)
    assert {copy.document_id, *copy.same_as} == set(copies)
    assert len(copy.same_as) == 2
    assert (other.title, other.same_as) == ("Other", ())


def test_spaces_and_capitals_make_no_other_text(add_text):
    add_text("One", "Annual leave is asked for in writing.")
    add_text("Two", "ANNUAL  leave is\nasked for   in writing.")
    (only,) = search("annual leave", user=None).passages
    assert len(only.same_as) == 1


def test_a_copy_that_the_asker_may_not_see_is_not_named(add_text, alice, charlie):
    alice.groups.add(Group.objects.create(name="hr"))
    public = add_text("Public", LEAVE)
    hidden = add_text("Hidden", LEAVE, groups=("hr",))
    (of_charlie,) = search("annual leave", user=charlie).passages
    assert (of_charlie.document_id, of_charlie.same_as) == (public.pk, ())
    (of_alice,) = search("annual leave", user=alice).passages
    assert {of_alice.document_id, *of_alice.same_as} == {public.pk, hidden.pk}


def test_copies_do_not_push_out_what_else_there_is(add_text, queued, work):
    for n in range(25):
        queued("Annual leave, annual leave, annual leave.", f"Copy {n}")
    work()
    add_text(
        "Other", "Somewhere annual leave is mentioned among many other quite different things."
    )
    found = search("annual leave", user=None, limit=2).passages
    assert len(found) == 2
    assert "Other" in {passage.title for passage in found}


def test_a_passage_says_when_its_document_is_due_for_review(add_text, api, alice):
    today = timezone.localdate()
    for day, is_overdue in ((today - timedelta(days=1), True), (today, False)):
        document = add_text(f"Due {day}", LEAVE + f" {day}.")
        Document.objects.filter(pk=document.pk).update(review_by=day)
        (found,) = [
            p for p in search("annual leave", user=None).passages if p.document_id == document.pk
        ]
        assert (found.review_by, found.is_overdue) == (day.isoformat(), is_overdue)
    span = Span(document.pk, 1, 0, 5)
    shown = read_spans([span], user=None)[span]
    assert (shown.review_by, shown.is_overdue) == (today.isoformat(), False)
    undated = add_text("Undated", LEAVE + " Undated.")
    by_document = {
        source["document_id"]: source
        for source in api(alice).post(SEARCH, {"query": "annual leave"}).json()["results"]
    }
    assert by_document[document.pk]["review_by"] == today.isoformat()
    assert by_document[undated.pk]["review_by"] is None
    assert by_document[undated.pk]["is_overdue"] is False
    assert by_document[undated.pk]["same_as"] == []


def test_the_shelf_holds_what_answers_today(add_text):
    document = add_text("Leave", LEAVE)
    Document.objects.filter(pk=document.pk).update(expires_on=timezone.localdate())
    assert shelf(None).documents == 1
    yesterday = timezone.localdate() - timedelta(days=1)
    Document.objects.filter(pk=document.pk).update(expires_on=yesterday)
    assert (shelf(None).documents, shelf(None).newest_title) == (0, "")


def test_how_many_passages_is_what_the_release_says(add_text):
    for n in range(4):
        add_text(f"T{n}", f"common words and number{n}")
    configuration = index_store.current().configuration
    assert len(search("common words", user=None).passages) == 4
    type(configuration).objects.filter(pk=configuration.pk).update(top_k=2)
    index_store.forget()
    assert len(search("common words", user=None).passages) == 2
