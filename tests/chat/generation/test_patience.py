"""How long to wait before a model is asked again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from chat.generation.patience import LONGEST_PAUSE, pause_before, retry_after


def test_pauses_grow_and_are_drawn_at_random() -> None:
    drawn = [[pause_before(attempt, None) or 0.0 for _ in range(300)] for attempt in (1, 2, 3, 9)]
    assert max(drawn[0]) < max(drawn[1]) < max(drawn[2]) < max(drawn[3]) <= LONGEST_PAUSE
    assert min(min(times) for times in drawn) < 0.1
    assert len(set(drawn[0])) > 250


def test_what_the_provider_asks_for_is_waited_at_least() -> None:
    assert all(2.0 <= (pause_before(1, 2.0) or 0.0) <= 2.5 for _ in range(100))


def test_nobody_waits_for_a_provider_that_wants_a_long_time() -> None:
    assert pause_before(1, 30.0) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "Wed, 01 Jan 2020 00:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 99999999999999:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 -99999999999999999999"}, None),
    ],
)
def test_the_header_is_read_whatever_it_says(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


def test_a_date_is_read_too() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    found = retry_after({"retry-after": date})
    assert found is not None
    assert 55 < found <= 60
