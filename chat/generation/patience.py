"""When to ask a model again, and what a provider says about it.

Pauses grow and are drawn at random ("full jitter"), so that many who failed together do not come
back together: M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
"""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 4.0  # seconds
# A provider that asks for more is not waited for: the reader is served otherwise meanwhile.
LONGEST_RETRY_AFTER = 5.0


def pause_before(attempt: int, retry_after: float | None) -> float | None:
    """Seconds to wait before a repetition; None where waiting takes longer than a reader will.

    Args:
        attempt: how many were made, from 1.
        retry_after: what the provider asks for, in seconds.
    """
    if retry_after is not None and retry_after > LONGEST_RETRY_AFTER:
        return None
    drawn = random.uniform(0.0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))  # noqa: S311
    return (retry_after or 0.0) + drawn


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of ``Retry-After``: a number, a date, or ``retry-after-ms`` of OpenAI and Azure."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = _number(value)
    return seconds if seconds is not None else _until(value)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None  # not "nan", "inf" or a time before now


def _until(value: str) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):  # the last: a year of twenty figures
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
