"""What became of a quoted passage in the version that answers now."""

import pytest
from django.core.cache import cache

from knowledge.models import Document
from knowledge.passages import Span
from knowledge.search import later, read_spans
from knowledge.services import add_version, delete_document
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

FIRST = "# Pay\n\nWeeks 1 to 18 are paid in full.\n\nTell the office early.\n\nGyms are free.\n"
SECOND = "# Pay\n\nIt was revised.\n\nWeeks 1 to 20 are paid in full.\n\nTell the office early.\n"


@pytest.fixture
def spans(add_text, work):
    document = add_text("Pay", FIRST)
    add_version(document, SECOND)
    work()
    text = document.versions.get(number=1).text

    def span(words: str) -> Span:
        start = text.index(words)
        return Span(document.pk, 1, start, start + len(words))

    return span


def state_of(span: Span, user: User | None = None):
    return later(read_spans([span], user=user), user=user).get(span)


def test_a_changed_passage_comes_with_its_difference(spans):
    found = state_of(spans("Weeks 1 to 18 are paid in full."))
    assert (found.state, found.version) == ("changed", 2)
    assert ("del", "18") in found.pieces
    assert ("ins", "20") in found.pieces
    assert read_spans([Span(spans("Pay").document_id, 2, found.start, found.end)], user=None)


def test_an_unchanged_passage_says_so_and_where_it_stands(spans):
    found = state_of(spans("Tell the office early."))
    assert (found.state, found.pieces) == ("same", ())
    assert SECOND[found.start : found.end] == "Tell the office early"


def test_a_passage_that_was_taken_out_is_gone(spans):
    assert state_of(spans("Gyms are free.")).state == "gone"


def test_it_is_worked_out_once_and_no_word_is_kept(spans, monkeypatch):
    span = spans("Weeks 1 to 18 are paid in full.")
    first = state_of(span)
    kept = []
    monkeypatch.setattr(cache, "set", lambda *given: kept.append(given))
    assert state_of(span) == first
    assert kept == []


def test_a_current_version_and_a_deleted_document_have_nothing_later(spans, add_text):
    current = add_text("Other", "Words of now.")
    now = Span(current.pk, 1, 0, 5)
    assert state_of(now) is None
    span = spans("Gyms are free.")
    delete_document(Document.objects.get(pk=span.document_id))
    assert state_of(span) is None


def test_who_may_not_read_the_document_is_told_nothing(add_text, work, charlie):
    document = add_text("Secret", FIRST, ("hr",))
    add_version(document, SECOND)
    work()
    span = Span(document.pk, 1, 7, 30)
    assert state_of(span, charlie) is None


def test_the_number_of_queries_does_not_depend_on_the_number_of_passages(
    spans, django_assert_max_num_queries
):
    many = [
        spans("Weeks 1 to 18 are paid in full."),
        spans("Tell the office early."),
        spans("Gyms"),
    ]
    read = read_spans(many, user=None)
    later(read, user=None)
    with django_assert_max_num_queries(6):
        later(read, user=None)
