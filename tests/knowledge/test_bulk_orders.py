"""Retry and cancel for many: each by itself, with a reason for those that did not follow."""

import pytest

from knowledge.models import DocumentVersion, VersionState
from knowledge.services import cancel_many, reprocess_many
from tests.knowledge.conftest import newest

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def test_many_are_processed_again_and_what_is_gone_is_said(queued):
    documents = [queued(f"words {n}") for n in range(3)]
    DocumentVersion.objects.update(state=VersionState.FAILED, error="no")
    ids = [document.pk for document in documents]
    outcome = reprocess_many([*ids, 999_999, ids[0]])
    assert outcome.done == ids
    assert list(outcome.refused) == [999_999]
    assert {newest(d).state for d in documents} == {"queued"}


def test_many_are_cancelled_and_what_is_finished_is_said(add_text, queued):
    ready = add_text("Ready", "words")
    waiting = [queued(f"words {n}") for n in range(2)]
    outcome = cancel_many([ready.pk, *(d.pk for d in waiting)])
    assert outcome.done == [d.pk for d in waiting]
    assert outcome.refused == {ready.pk: "Nothing of this document is being processed."}
    assert {newest(d).state for d in waiting} == {"cancelled"}
    assert newest(ready).state == "ready"


def test_the_same_order_twice_is_no_error(queued):
    document = queued("words")
    cancel_many([document.pk])
    assert cancel_many([document.pk]).done == []
    assert reprocess_many([document.pk]).done == [document.pk]
    assert reprocess_many([document.pk]).done == [document.pk]
    assert document.versions.count() == 1
