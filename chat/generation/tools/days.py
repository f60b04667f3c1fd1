"""Arithmetic with dates of the calendar."""

import calendar
from datetime import date, timedelta

MOST = 100_000  # of any unit


class BadDate(ValueError):
    """It is no date, or none that a calendar has; the message says so for the model."""


def added(start: date, *, days: int = 0, weeks: int = 0, months: int = 0, years: int = 0) -> date:
    """A day so much later, or earlier with negative figures.

    Years and months come first; a day that the month does not have becomes its last one.

    Raises:
        BadDate: the calendar does not reach so far.
    """
    if max(map(abs, (days, weeks, months, years))) > MOST:
        raise BadDate(f"At most {MOST:,} of a unit can be added.")
    month = start.year * 12 + start.month - 1 + years * 12 + months
    year, index = divmod(month, 12)
    if not date.min.year <= year <= date.max.year:
        raise BadDate("The years of the calendar go from 1 to 9999.")
    last = calendar.monthrange(year, index + 1)[1]
    try:
        return date(year, index + 1, min(start.day, last)) + timedelta(days=days, weeks=weeks)
    except OverflowError as error:
        raise BadDate("The years of the calendar go from 1 to 9999.") from error


def working_days_added(start: date, days: int) -> date:
    """The day so many working days later; Saturdays, Sundays and nothing else are left out."""
    if abs(days) > MOST:
        raise BadDate(f"At most {MOST:,} of a unit can be added.")
    step = 1 if days > 0 else -1
    weeks, left = divmod(abs(days), 5)
    day = start
    while days and day.weekday() >= 5:  # counted from the working day before, or after
        day = added(day, days=-step)
    day = added(day, weeks=step * weeks)
    while left:
        day = added(day, days=step)
        left -= day.weekday() < 5
    return day


def between(first: date, last: date) -> str:
    """How far two days are apart, in the ways in which people say it."""
    low, high = sorted((first, last))
    days = (high - low).days
    months = (high.year - low.year) * 12 + high.month - low.month
    months -= added(low, months=months) > high
    rest = (high - added(low, months=months)).days
    weeks, over = divmod(days, 7)
    return (
        f"From {said(low)} to {said(high)}: {days} days; {weeks} weeks and {over} days; "
        f"{months} months and {rest} days; {working_days(low, high)} working days after the first, "
        "Monday to Friday, public holidays not considered."
    )


def working_days(low: date, high: date) -> int:
    """Mondays to Fridays after the first day, up to and with the last."""
    weeks, over = divmod((high - low).days, 7)
    rest = sum(1 for step in range(1, over + 1) if (low.weekday() + step) % 7 < 5)
    return weeks * 5 + rest


def said(day: date) -> str:
    """``2027-03-01 (Monday)``."""
    return f"{day.isoformat()} ({calendar.day_name[day.weekday()]})"


def read(text: str, today: date) -> date:
    """A date in ISO form, or ``today``.

    Raises:
        BadDate: it is neither.
    """
    if text.strip().casefold() == "today":
        return today
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadDate("A date is written as 2027-03-01, or as today.") from error
