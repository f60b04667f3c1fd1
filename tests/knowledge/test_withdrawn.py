"""What a reader may not read any more is found for all readers at once, as for each alone."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.models import Document, DocumentVersion
from knowledge.passages import Span
from knowledge.search import read_spans, withdrawn
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def document(title: str, *groups: Group) -> Span:
    made = Document.objects.create(title=title, is_restricted=bool(groups))
    made.groups.set(groups)
    DocumentVersion.objects.create(
        document=made, number=1, file=f"{title}.md", file_name="a.md", media_type="text/markdown",
        size=9, sha256=title, text=f"{title} says so.",
    )  # fmt: skip
    return Span(made.pk, 1, 0, len(title))


def person(name: str, *groups: Group, **more: Any) -> User:
    made = User.objects.create_user(f"{name}@example.org", "a-long-password", **more)
    made.groups.set(groups)
    return made


def test_it_says_what_each_person_would_be_told_alone() -> None:
    staff, board = (Group.objects.create(name=name) for name in ("staff", "board"))
    spans = [document("open"), document("staff", staff), document("both", staff, board)]
    removed = Span(10_000, 1, 0, 3)
    older = Span(spans[0].document_id, 9, 0, 3)
    people = [
        person("none"), person("clerk", staff), person("chair", board), person("all", staff, board),
        person("left", staff, is_active=False),
    ]  # fmt: skip
    every = [*spans, removed, older]
    found = withdrawn([(one.pk, span) for one in people for span in every])
    alone = {
        (one.pk, span): text.gone
        for one in people
        for span, text in read_spans(every, user=one).items()
        if text.gone
    }
    assert found == alone
    assert found[people[0].pk, spans[1]] == "restricted"
    assert found[people[4].pk, spans[1]] == "restricted"
    assert found[people[3].pk, removed] == "removed"
    assert (people[3].pk, spans[2]) not in found


def test_a_person_who_is_gone_sees_what_is_for_everyone() -> None:
    staff = Group.objects.create(name="staff")
    public, restricted = document("open"), document("staff", staff)
    assert withdrawn([(77, public), (77, restricted)]) == {(77, restricted): "restricted"}


def test_many_readers_cost_no_more_queries_than_one() -> None:
    staff = Group.objects.create(name="staff")
    span = document("staff", staff)
    people = [person(f"p{number}", staff) for number in range(12)]

    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert withdrawn([(one.pk, span) for one in people[:count]]) == {}
        return len(seen)

    assert queries(12) == queries(1)


def test_nothing_shown_is_nothing_withdrawn() -> None:
    assert withdrawn([]) == {}
