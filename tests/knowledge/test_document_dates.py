"""When a document answers: from a day, to a day, and not once another one answers in its place."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from core.errors import Invalid
from knowledge.models import Document, IndexState
from knowledge.search import search
from knowledge.services import DocumentChanges, NewDocument, Term, add_document, update_document
from tests.knowledge.conftest import LEAVE
from tests.knowledge.test_document_calls import URL, one

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

DAY = timedelta(days=1)


@pytest.fixture
def staff(api, bob):
    return api(bob)


@pytest.fixture
def today():
    return timezone.localdate()


def answers(user=None):
    return {p.document_id for p in search("annual leave", user=user).passages}


def test_dates_are_set_and_read_by_api(staff, add_text, bob):
    document = add_text("Leave", LEAVE)
    read = staff.get(one(document)).json()
    assert [read[n] for n in ("owner", "effective_from", "review_by", "expires_on")] == [None] * 4
    assert read["superseded_by"] is None
    days = {"effective_from": "2026-01-01", "review_by": "2026-05-03", "expires_on": "2030-12-31"}
    changed = staff.patch(one(document), days)
    assert changed.status_code == 200
    assert {name: changed.json()[name] for name in days} == days
    cleared = staff.patch(one(document), {"expires_on": None}).json()
    assert (cleared["expires_on"], cleared["review_by"]) == (None, "2026-05-03")


def test_dates_come_with_a_new_document_and_with_a_form(staff, upload):
    made = staff.post(URL, {"title": "A", "content": "b", "review_by": "2026-05-03"}).json()
    assert (made["review_by"], made["expires_on"]) == ("2026-05-03", None)
    body = {"file": upload("a.md", b"# A"), "expires_on": "2030-01-01", "review_by": ""}
    made = staff.post(URL, body, format="multipart").json()
    assert (made["review_by"], made["expires_on"]) == (None, "2030-01-01")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"effective_from": "2026-02-01", "expires_on": "2026-01-01"}, "expires_on"),
        ({"effective_from": "2026-02-01", "review_by": "2026-01-01"}, "review_by"),
        ({"review_by": "2026-02-01", "expires_on": "2026-01-01"}, "expires_on"),
        ({"expires_on": "2025-12-31"}, "expires_on"),  # against what the row has
        ({"review_by": "soon"}, "review_by"),
        ({"review_by": 7}, "review_by"),
        ({"review_by": "2026-13-01"}, "review_by"),
        ({"superseded_by": 987654}, "superseded_by"),
        ({"superseded_by": "x"}, "superseded_by"),
        ({"superseded_by": 10**30}, "superseded_by"),
        ({"superseded_by": -1}, "superseded_by"),
    ],
)
def test_days_out_of_order_and_unknown_successors_are_400(staff, queued, body, field):
    document = queued()
    Document.objects.filter(pk=document.pk).update(effective_from=date(2026, 1, 15))
    response = staff.patch(one(document), body)
    assert response.status_code == 400
    assert list(response.json()) == [field]
    document.refresh_from_db()
    assert (document.review_by, document.expires_on, document.superseded_by) == (None, None, None)


def test_no_document_is_replaced_by_itself_in_whatever_circle(staff, queued):
    first, second, third = queued("a"), queued("b"), queued("c")
    assert staff.patch(one(first), {"superseded_by": first.pk}).status_code == 400
    assert staff.patch(one(first), {"superseded_by": second.pk}).status_code == 200
    assert staff.patch(one(second), {"superseded_by": third.pk}).status_code == 200
    assert staff.patch(one(third), {"superseded_by": first.pk}).status_code == 400
    assert staff.patch(one(second), {"superseded_by": None}).status_code == 200
    assert staff.patch(one(third), {"superseded_by": first.pk}).status_code == 200


def test_a_circle_that_is_there_already_holds_nobody_up(queued):
    first, second, third = queued("a"), queued("b"), queued("c")
    Document.objects.filter(pk=first.pk).update(superseded_by=second)
    Document.objects.filter(pk=second.pk).update(superseded_by=first)
    with pytest.raises(Invalid):
        update_document(third, DocumentChanges(superseded_by=first.pk))


def test_answers_obey_the_days_from_the_moment_of_the_change(staff, add_text, today):
    document = add_text("Leave", LEAVE)
    assert answers() == {document.pk}
    for body in ({"effective_from": str(today + DAY)}, {"expires_on": str(today - DAY)}):
        assert staff.patch(one(document), body).status_code == 200
        assert answers() == set()
        staff.patch(one(document), dict.fromkeys(body))
        assert answers() == {document.pk}
    staff.patch(one(document), {"effective_from": str(today), "expires_on": str(today)})
    assert answers() == {document.pk}


def test_a_successor_answers_alone_as_long_as_it_answers(staff, add_text):
    old, new = add_text("Leave 2025", LEAVE), add_text("Leave 2026", LEAVE.replace("five", "six"))
    staff.patch(one(old), {"superseded_by": new.pk})
    assert answers() == {new.pk}
    staff.patch(one(new), {"is_active": False})
    assert answers() == {old.pk}
    staff.patch(one(new), {"is_active": True})
    staff.delete(one(new))
    assert answers() == {old.pk}


def test_a_successor_that_is_restricted_gives_a_stranger_nothing(staff, add_text, charlie, alice):
    old = add_text("Leave 2025", LEAVE)
    new = add_text("Leave 2026", LEAVE.replace("five", "six"), groups=("hr",))
    staff.patch(one(old), {"superseded_by": new.pk})
    assert answers(charlie) == set()
    assert answers() == set()


def test_every_such_change_raises_the_revision_of_the_audience(queued, today):
    document, other = queued("a"), queued("b")

    def revision():
        return IndexState.objects.get(pk=1).audience

    for change in (
        DocumentChanges(term=Term(expires_on=today)),
        DocumentChanges(superseded_by=other.pk),
        DocumentChanges(groups=()),
        DocumentChanges(is_active=False),
    ):
        before = revision() if IndexState.objects.exists() else 0
        update_document(document, change)
        assert revision() > before


def test_a_document_that_is_new_may_have_a_successor_at_once(queued):
    newer = queued("b")
    new = NewDocument(title="a", content="a", superseded_by=newer.pk)
    assert add_document(new, owner=None).superseded_by == newer
    with pytest.raises(Invalid):
        add_document(NewDocument(title="a", content="a", superseded_by=999_999), owner=None)


def test_the_schema_lists_them(api):
    schema = api().get("/api/schema/", {"format": "json"}).json()
    document = schema["components"]["schemas"]["Document"]["properties"]
    assert {"owner", "effective_from", "review_by", "expires_on", "superseded_by"} <= set(document)
    assert "is_complete" in document
    request = schema["components"]["schemas"]["DocumentWriteRequest"]["properties"]
    assert request["review_by"]["format"] == "date"
