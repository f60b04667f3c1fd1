"""A caller who waits as long as was said is let in again."""

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import Throttled
from core.throttles import take

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.mark.parametrize("second", [0.0, 10.7, 30.5, 59.9])
def test_whoever_waits_as_told_is_let_in(settings, second: float) -> None:
    settings.RATES = {**settings.RATES, "search": "1/min"}
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC) + timedelta(seconds=second)
    take("search", "someone", now=now)
    with pytest.raises(Throttled) as refused:
        take("search", "someone", now=now)
    take("search", "someone", now=now + timedelta(seconds=refused.value.wait_seconds))
