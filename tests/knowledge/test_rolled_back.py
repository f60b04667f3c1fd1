"""After going back: what ends it is said on click, while it lasts, and when it has ended."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from knowledge.indexing import rollbacks
from knowledge.models import IndexState
from knowledge.services import (
    activate_build,
    add_version,
    delete_document,
    request_rebuild,
    set_active,
)
from tests.knowledge.releases import active, found

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

BUILDS = reverse("admin:knowledge_indexbuild_changelist")
DOCUMENTS = reverse("admin:knowledge_document_changelist")
ENDS = "The next change of a document makes a new build from all present versions"


def change(document):
    return reverse("admin:knowledge_document_change", args=[document.pk])


@pytest.fixture
def bad(add_text, work):
    """A document whose second version is bad, and the build from before."""
    document = add_text("Leave", "Five days of goodneedle.")
    add_text("Other", "something else")
    document.before = active()
    add_version(document, "Nothing but badneedle.")
    work()
    document.left = active()
    return document


@pytest.fixture
def desk(client, bob):
    client.force_login(bob)
    return client


def test_the_click_says_what_ends_it_and_both_pages_keep_saying_so(desk, bad):
    form = {"action": "activate", "_selected_action": bad.before.pk}
    page = desk.post(BUILDS, form, follow=True).content.decode()
    assert f"Readers search build {bad.before.pk} from now on. {ENDS}" in page
    assert found("goodneedle")[0] == "Leave"
    for url in (BUILDS, DOCUMENTS):
        page = desk.get(url).content.decode()
        assert f"You went back to build {bad.before.pk}. {ENDS}" in page
        assert "correct or deactivate the bad document first" in page
        assert f'<li><a href="{change(bad)}">Leave</a></li>' in page


def test_the_call_says_what_ends_it(api, bob, bad):
    staff = api(bob)
    url = f"/api/knowledge/index/{bad.before.pk}/activate/"
    assert staff.post(url).json()["notice"].startswith(ENDS)
    url = f"/api/knowledge/index/{bad.left.pk}/activate/"
    assert staff.post(url).json()["notice"] == ""


def test_it_has_ended_is_said_with_the_documents_that_are_bad_again(desk, bad, add_text):
    activate_build(bad.before)
    add_text("Third", "third words")
    page = desk.get(BUILDS).content.decode()
    assert "You went back" not in page
    assert f"Going back to build {bad.before.pk} ended on" in page
    assert f"build {active().pk} was made from all present versions" in page
    assert "These documents answer again as before you went back:" in page
    assert f'<li><a href="{change(bad)}">Leave</a></li>' in page


def test_a_corrected_or_deactivated_document_is_not_named(bad, work):
    activate_build(bad.before)
    set_active(bad, False)
    (said,) = rollbacks.notices()
    assert said.links == ()
    set_active(bad, True)
    add_version(bad, "Six days of goodneedle.")
    assert rollbacks.notices()[0].links == ()
    work()
    (said,) = rollbacks.notices()
    assert (said.sentence.startswith("Going back"), said.links) == (True, ())


def test_a_document_that_the_older_build_does_not_have_is_named_too(bad, add_text):
    before = active()
    late = add_text("Late", "latecomer words")
    activate_build(before)
    assert [link.words for link in rollbacks.notices()[0].links] == ["Late"]
    delete_document(late)
    assert rollbacks.notices()[0].links == ()


def test_going_back_twice_names_what_the_first_build_had(add_text, work, settings):
    settings.KEPT_BUILDS = 5
    document = add_text("Leave", "Five days of goodneedle.")
    first = active()
    add_version(document, "Nothing but badneedle.")
    request_rebuild()
    work()
    second = active()
    add_text("Late", "latecomer words")
    newest = active()
    activate_build(second)
    activate_build(first)
    (said,) = rollbacks.notices()
    assert {link.words for link in said.links} == {"Late", "Leave"}
    assert f"Other than in build {newest.pk}" in said.sentence


def test_going_on_to_the_newest_build_ends_it_without_a_word(bad):
    activate_build(bad.before)
    activate_build(bad.left)
    assert rollbacks.notices() == []


def test_a_week_after_the_end_nothing_is_said(bad, add_text):
    activate_build(bad.before)
    add_text("Third", "third words")
    state = IndexState.objects.get(pk=1)
    long_ago = timezone.now() - timedelta(days=8)
    state.rollback = {**state.rollback, "ended_at": long_ago.isoformat()}
    state.save()
    assert rollbacks.notices() == []


def test_without_going_back_nothing_is_said(desk, bad):
    assert rollbacks.notices() == []
    assert "You went back" not in desk.get(BUILDS).content.decode()
