"""The time that is left of a document is said once the pace is known."""

from datetime import timedelta

import pytest
from django.utils import timezone

from knowledge.catalogue import seconds_left
from knowledge.models import DocumentVersion, VersionState


def version(percent: int, state: str = VersionState.PROCESSING) -> DocumentVersion:
    began = timezone.now() - timedelta(seconds=30)
    return DocumentVersion(state=state, percent=percent, started_at=began)


def test_it_follows_from_the_pace_so_far() -> None:
    assert seconds_left(version(25)) == pytest.approx(90, abs=2)


@pytest.mark.parametrize(
    "made", [version(4), version(50, VersionState.QUEUED), version(100, VersionState.READY)]
)
def test_it_is_not_guessed(made: DocumentVersion) -> None:
    assert seconds_left(made) is None
