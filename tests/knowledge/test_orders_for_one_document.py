"""A document's own page: process again, or cancel processing."""

import pytest
from django.urls import reverse

from tests.knowledge.conftest import newest

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

GO = {"_form_submitted": "True"}  # what a dialog of the theme sends along


def url(name, document):
    return reverse(f"admin:knowledge_document_{name}", args=[document.pk])


@pytest.fixture
def desk(client, bob):
    client.force_login(bob)
    return client


def test_the_page_offers_what_can_be_done_now(desk, add_text, queued):
    read, waiting = add_text("Leave", "some words"), queued("other words", "Waiting")
    page = desk.get(url("change", read)).content.decode()
    assert url("process_this_again", read) in page
    assert url("cancel_this", read) not in page
    page = desk.get(url("change", waiting)).content.decode()
    assert url("process_this_again", waiting) not in page
    assert url("cancel_this", waiting) in page


def test_a_document_is_read_again(desk, add_text):
    document = add_text("Leave", "some words")
    desk.post(url("process_this_again", document), GO)
    assert (newest(document).number, newest(document).state) == (2, "queued")
    page = desk.get(url("change", document)).content.decode()
    assert "The newest version is read again." in page


def test_a_failed_document_is_queued_as_it_is(desk, queued):
    document = queued("some words")
    document.versions.update(state="failed", error="It broke.")
    desk.post(url("process_this_again", document), GO)
    assert (newest(document).number, newest(document).state) == (1, "queued")


def test_a_waiting_document_is_cancelled_and_twice_is_refused(desk, queued):
    document = queued("some words")
    desk.post(url("cancel_this", document), GO)
    assert newest(document).state == "cancelled"
    assert desk.post(url("cancel_this", document), GO).status_code == 403


def test_looking_at_the_dialog_changes_nothing(desk, queued):
    document = queued("some words")
    assert desk.get(url("cancel_this", document)).status_code == 200
    assert newest(document).state == "queued"


def test_strangers_and_readers_have_no_such_door(client, alice, queued):
    document = queued("some words")
    for _ in range(2):
        for name in ("process_this_again", "cancel_this"):
            client.post(url(name, document), GO)
        assert newest(document).state == "queued"
        client.force_login(alice)


def test_a_number_that_is_none_and_a_document_that_is_gone_are_refused(desk):
    for number in ("999999", "nonsense", "9" * 30):
        for name in ("process_this_again", "cancel_this"):
            address = reverse(f"admin:knowledge_document_{name}", args=[number])
            assert desk.post(address, GO).status_code in (302, 403, 404)
