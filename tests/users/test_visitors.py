"""Visitors on pages: made once, bound to the session, limited."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory

from core.errors import Throttled
from users.models import User
from users.services import ensure_visitor

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    request = rf.post("/ask/")
    request.user = AnonymousUser()
    request.session = SessionStore()
    return request


def test_nobody_becomes_a_visitor_who_stays_the_same(request_: HttpRequest) -> None:
    visitor = ensure_visitor(request_)
    assert visitor.is_visitor
    assert not visitor.has_usable_password()
    assert request_.session["_auth_user_id"] == str(visitor.pk)
    assert ensure_visitor(request_) == visitor
    assert User.objects.count() == 1


def test_who_is_signed_in_is_no_visitor(request_: HttpRequest, alice: User) -> None:
    request_.user = alice
    assert ensure_visitor(request_) == alice
    assert User.objects.count() == 1


def test_new_visitors_from_one_address_are_limited(request_: HttpRequest, settings: Any) -> None:
    settings.RATES = {"signup": "1/hour"}
    ensure_visitor(request_)
    request_.user = AnonymousUser()
    with pytest.raises(Throttled):
        ensure_visitor(request_)
    assert User.objects.count() == 1
