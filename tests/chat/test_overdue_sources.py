"""A passage whose review is overdue says so beside its footnote, to whoever may read it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from chat.services import Asked
from knowledge.models import Document
from knowledge.services import delete_document
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = "When is parental leave paid in full?"
DUE = "Review was due on"


def set_review(document: Document, day: date | None) -> None:
    Document.objects.filter(pk=document.pk).update(review_by=day)


def page_of(asked: Asked, user: User) -> str:
    browser = Client()
    browser.force_login(user)
    return browser.get(f"/c/{asked.answer.session_id}/").content.decode()


def source_of(asked: Asked, user: User, api: Callable[..., APIClient]) -> dict[str, Any]:
    url = f"/api/chat/sessions/{asked.answer.session_id}/messages/"
    messages = api(user).get(url).json()["results"]
    return dict(messages[-1]["sources"][0])


def test_it_is_said_from_the_day_after_and_only_then(
    alice: User, leave: Document, answered: Callable[..., Asked], api: Callable[..., APIClient]
) -> None:
    asked = answered(alice, QUESTION)
    today = timezone.localdate()
    for day, is_overdue in ((None, False), (today, False), (today - timedelta(days=1), True)):
        set_review(leave, day)
        source = source_of(asked, alice, api)
        assert (source["review_by"], source["is_overdue"]) == (
            day.isoformat() if day else None,
            is_overdue,
        )
        assert (DUE in page_of(asked, alice)) is is_overdue


def test_the_day_is_named_in_full(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    set_review(leave, date(2026, 5, 3))
    page = page_of(answered(alice, QUESTION), alice)
    assert DUE in page
    assert '<time datetime="2026-05-03">3 May 2026</time>' in page


def test_a_new_answer_and_a_search_say_it_at_once(
    alice: User, leave: Document, api: Callable[..., APIClient]
) -> None:
    set_review(leave, date(2026, 5, 3))
    body = api(alice).post("/api/chat/send/", {"message": QUESTION}).json()
    assert (body["sources"][0]["review_by"], body["sources"][0]["is_overdue"]) == (
        "2026-05-03", True,
    )  # fmt: skip
    found = api(alice).post("/api/knowledge/search/", {"query": QUESTION}).json()["results"][0]
    assert (found["review_by"], found["is_overdue"]) == ("2026-05-03", True)


def test_who_may_no_longer_read_it_is_not_told_when_it_was_due(
    alice: User, leave: Document, answered: Callable[..., Asked], api: Callable[..., APIClient]
) -> None:
    asked = answered(alice, QUESTION)
    set_review(leave, date(2026, 5, 3))
    leave.groups.add(Group.objects.create(name="hr"))
    source = source_of(asked, alice, api)
    assert (source["gone"], source["review_by"], source["is_overdue"]) == (
        "restricted", None, False,
    )  # fmt: skip
    assert DUE not in page_of(asked, alice)


def test_a_stranger_sees_no_such_answer(
    alice: User,
    charlie: User,
    leave: Document,
    answered: Callable[..., Asked],
    api: Callable[..., APIClient],
) -> None:
    set_review(leave, date(2026, 5, 3))
    asked = answered(alice, QUESTION)
    browser = Client()
    browser.force_login(charlie)
    assert browser.get(f"/c/{asked.answer.session_id}/").status_code == 404
    url = f"/api/chat/sessions/{asked.answer.session_id}/messages/"
    assert api(charlie).get(url).status_code == 404


def test_what_was_deleted_says_nothing_of_it(
    alice: User, leave: Document, answered: Callable[..., Asked], api: Callable[..., APIClient]
) -> None:
    set_review(leave, date(2026, 5, 3))
    asked = answered(alice, QUESTION)
    delete_document(leave)
    source = source_of(asked, alice, api)
    assert (source["gone"], source["review_by"], source["is_overdue"]) == ("removed", None, False)
    assert DUE not in page_of(asked, alice)
